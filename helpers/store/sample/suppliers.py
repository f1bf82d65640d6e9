"""Suppliers and how reliable each truly is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import stream

TROUBLED = 0
SUPPLIERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("Nantong Yunmian Home Textiles", "南通云棉家纺", (0,)),
    ("Nantong Haoyu Bedding", "南通皓宇床品", (0, 9)),
    ("Shaoxing Jinhe Fabrics", "绍兴锦禾纺织", (0, 2)),
    ("Hangzhou Siyu Silk", "杭州丝语丝绸", (5, 7)),
    ("Dongguan Mingcheng Garments", "东莞铭成制衣", (6, 5)),
    ("Guangzhou Yilin Apparel", "广州依林服饰", (5,)),
    ("Foshan Chenxi Knitwear", "佛山晨曦针织", (5, 6)),
    ("Humen Lijia Fashion", "虎门丽佳时装", (5,)),
    ("Ningbo Hengtai Menswear", "宁波恒泰男装", (6,)),
    ("Quanzhou Dongfang Clothing", "泉州东方服装", (6, 7)),
    ("Jingdezhen Qingyao Ceramics", "景德镇青窑陶瓷", (1, 2)),
    ("Chaozhou Wanhe Porcelain", "潮州万和瓷业", (1,)),
    ("Liling Hongyu Stoneware", "醴陵宏宇陶艺", (1, 2)),
    ("Zibo Lucheng Glass", "淄博鲁城玻璃", (2, 1)),
    ("Caoxian Muyun Woodcraft", "曹县木韵木艺", (3, 1)),
    ("Anji Zhuxi Bamboo", "安吉竹溪竹业", (3, 9)),
    ("Boxing Caoyi Weaving", "博兴草艺编织", (3, 2)),
    ("Yiwu Meishang Decor", "义乌美尚饰品", (2, 8)),
    ("Yiwu Jiahe Storage", "义乌佳禾收纳", (3, 8)),
    ("Gaoyang Ruixue Towels", "高阳瑞雪毛巾", (4,)),
    ("Weifang Yijie Bath", "潍坊依洁卫浴", (4, 3)),
    ("Zhuji Baina Socks", "诸暨百纳袜业", (8,)),
    ("Haining Xinghe Leather", "海宁星禾皮具", (8,)),
    ("Shantou Nuanxin Loungewear", "汕头暖心家居服", (7,)),
    ("Suzhou Lanting Linen", "苏州兰亭亚麻", (2, 9, 0)),
    ("Yiwu Spot Wholesale", "义乌现货批发", ()),
)
SPOT = len(SUPPLIERS) - 1
SPOT_PRICE_FACTOR = 1.12


@dataclass(frozen=True)
class Suppliers:
    """The suppliers, one entry each.

    Attributes:
        lead_time_days: Agreed days from order to receipt.
        on_time: True chance that a line comes by the promised day.
        in_full: True chance that it comes in full.
        reject_rate: True share of pieces refused for quality.
        lot: Smallest quantity it sells.
    """

    lead_time_days: np.ndarray
    on_time: np.ndarray
    in_full: np.ndarray
    reject_rate: np.ndarray
    lot: np.ndarray

    def __len__(self) -> int:
        return len(self.lot)


def supplier_id(index: int) -> str:
    """Id of a supplier."""
    return f"S{index + 1:03d}"


def make_suppliers(setting: Setting) -> Suppliers:
    """Suppliers, most of them good; the last one sells at once, at a price."""
    random = stream(setting.seed, "suppliers")
    count = len(SUPPLIERS)
    drawn = Suppliers(
        lead_time_days=random.choice([10, 12, 14, 18, 21, 25, 30], count),
        on_time=np.round(np.clip(random.beta(13, 2.1, count), 0.55, 0.985), 3),
        in_full=np.round(np.clip(random.beta(22, 1.7, count), 0.72, 0.99), 3),
        reject_rate=np.round(np.clip(random.gamma(2.0, 0.006, count), 0.001, 0.05), 4),
        lot=random.choice([4, 6, 6, 10, 12], count),
    )
    drawn.lead_time_days[SPOT], drawn.lot[SPOT], drawn.reject_rate[SPOT] = 1, 1, 0.0
    drawn.on_time[SPOT] = drawn.in_full[SPOT] = 1.0
    return drawn


def as_truth(suppliers: Suppliers) -> list[dict[str, Any]]:
    """The suppliers for `truth.json`."""
    return [
        {
            "supplier_id": supplier_id(index),
            "name": SUPPLIERS[index][0],
            "categories": list(SUPPLIERS[index][2]),
            "lead_time_days": int(suppliers.lead_time_days[index]),
            "on_time": float(suppliers.on_time[index]),
            "in_full": float(suppliers.in_full[index]),
            "on_time_in_full": round(float(suppliers.on_time[index] * suppliers.in_full[index]), 6),
            "reject_rate": float(suppliers.reject_rate[index]),
        }
        for index in range(len(suppliers))
    ]
