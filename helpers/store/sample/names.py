"""Words for product and supplier names, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass

Word = tuple[str, str]


@dataclass(frozen=True)
class Category:
    """One category of the shop and its truth.

    Attributes:
        name: English name.
        name_zh: Chinese name.
        share: Share of the products.
        price_cny: Median list price of its basic products.
        weight_kg: Weight of a piece.
        refund_rate: Share of lines refunded after shipment, on average.
        commission: Platform's commission on what was sold.
        insurance_cny: Return insurance of an order line.
        months: Factor on demand by month where seasons are on.
        materials: First words of names.
        nouns: What the products are, with a factor on price.
    """

    name: str
    name_zh: str
    share: float
    price_cny: float
    weight_kg: float
    refund_rate: float
    commission: float
    insurance_cny: float
    months: tuple[float, ...]
    materials: tuple[Word, ...]
    nouns: tuple[tuple[str, str, float], ...]


_EVEN = (1.0,) * 12
_COLD = (1.5, 1.25, 1.0, 0.85, 0.7, 0.6, 0.55, 0.65, 0.9, 1.25, 1.5, 1.55)
_WARM = (0.6, 0.7, 1.0, 1.2, 1.45, 1.5, 1.4, 1.2, 1.0, 0.8, 0.65, 0.6)
_FESTIVE = (1.3, 0.95, 0.9, 0.9, 0.95, 0.9, 0.9, 0.95, 1.05, 1.05, 1.1, 1.3)

CATEGORIES = (
    Category(
        "Bedding", "床品", 0.13, 199, 2.1, 0.09, 0.050, 1.1, _COLD,
        (("Washed Cotton", "水洗棉"), ("Long-Staple Cotton", "长绒棉"), ("Tencel", "天丝"),
         ("French Linen", "法国亚麻"), ("Cotton Muslin", "棉纱"), ("Brushed Cotton", "磨毛棉")),
        (("Duvet Cover Set", "四件套", 1.5), ("Fitted Sheet", "床笠", 0.6),
         ("Pillowcase Pair", "枕套一对", 0.3), ("Summer Quilt", "夏凉被", 1.0),
         ("Winter Duvet", "冬被", 1.9), ("Pillow", "枕头", 0.5)),
    ),
    Category(
        "Kitchen & Dining", "餐厨", 0.12, 69, 0.9, 0.075, 0.045, 0.5, _EVEN,
        (("Stoneware", "粗陶"), ("Bone China", "骨瓷"), ("Walnut", "胡桃木"),
         ("Borosilicate Glass", "高硼硅玻璃"), ("Stainless Steel", "不锈钢"), ("Beech", "榉木")),
        (("Dinner Plate", "餐盘", 0.6), ("Noodle Bowl", "面碗", 0.5), ("Mug", "马克杯", 0.5),
         ("Cutting Board", "砧板", 1.1), ("Teapot", "茶壶", 1.8), ("Cutlery Set", "餐具套装", 1.6)),
    ),
    Category(
        "Home Decor", "家居装饰", 0.12, 89, 0.8, 0.085, 0.050, 0.6, _FESTIVE,
        (("Ribbed Glass", "条纹玻璃"), ("Linen", "亚麻"), ("Rattan", "藤编"),
         ("Ceramic", "陶瓷"), ("Brass", "黄铜"), ("Bouclé", "圈圈绒")),
        (("Vase", "花瓶", 0.9), ("Cushion Cover", "抱枕套", 0.5), ("Throw", "盖毯", 1.6),
         ("Candle Holder", "烛台", 0.6), ("Wall Mirror", "挂镜", 2.2), ("Tray", "托盘", 0.7)),
    ),
    Category(
        "Storage", "收纳", 0.09, 49, 1.2, 0.07, 0.045, 0.4, _EVEN,
        (("Canvas", "帆布"), ("Bamboo", "竹制"), ("Seagrass", "海草"), ("Felt", "毛毡"),
         ("Powder-Coated Steel", "喷涂钢"), ("Clear Acrylic", "透明亚克力")),
        (("Storage Basket", "收纳篮", 0.9), ("Drawer Organiser", "抽屉收纳盒", 0.6),
         ("Shelf", "置物架", 2.4), ("Laundry Hamper", "脏衣篓", 1.6), ("Shoe Box", "鞋盒", 0.6),
         ("Hanger Set", "衣架套装", 0.7)),
    ),
    Category(
        "Bath", "卫浴毛巾", 0.08, 45, 0.5, 0.08, 0.050, 0.4, _EVEN,
        (("Waffle Cotton", "华夫格棉"), ("Combed Cotton", "精梳棉"), ("Bamboo Fibre", "竹纤维"),
         ("Diatomite", "硅藻土"), ("Resin", "树脂"), ("Xinjiang Cotton", "新疆棉")),
        (("Bath Towel", "浴巾", 1.4), ("Face Towel Pair", "面巾两条装", 0.6),
         ("Bath Mat", "浴室地垫", 1.2), ("Soap Dish", "皂盒", 0.4), ("Bathrobe", "浴袍", 3.4),
         ("Hair Towel", "干发帽", 0.5)),
    ),
    Category(
        "Women's Apparel", "女装", 0.17, 169, 0.5, 0.155, 0.055, 1.6, _EVEN,
        (("Mulberry Silk", "桑蚕丝"), ("Linen", "亚麻"), ("Merino", "美利奴羊毛"),
         ("Cotton Poplin", "府绸棉"), ("Acetate", "醋酸"), ("Cashmere Blend", "羊绒混纺")),
        (("Shirt", "衬衫", 1.0), ("Midi Dress", "中长连衣裙", 1.5), ("Knit Cardigan", "针织开衫", 1.3),
         ("Wide-Leg Trousers", "阔腿裤", 1.1), ("Pleated Skirt", "百褶裙", 1.0),
         ("Camisole", "吊带背心", 0.5)),
    ),
    Category(
        "Men's Apparel", "男装", 0.10, 159, 0.6, 0.13, 0.055, 1.4, _EVEN,
        (("Oxford Cotton", "牛津纺"), ("Linen", "亚麻"), ("Merino", "美利奴羊毛"),
         ("Heavyweight Cotton", "重磅棉"), ("Corduroy", "灯芯绒"), ("Seersucker", "泡泡纱")),
        (("Shirt", "衬衫", 1.0), ("T-Shirt", "T恤", 0.55), ("Crewneck Sweater", "圆领毛衣", 1.4),
         ("Chinos", "休闲裤", 1.1), ("Overshirt", "衬衫式外套", 1.5), ("Shorts", "短裤", 0.7)),
    ),
    Category(
        "Loungewear", "家居服", 0.08, 129, 0.6, 0.115, 0.055, 1.2, _COLD,
        (("Modal", "莫代尔"), ("Cotton Gauze", "棉纱"), ("Coral Fleece", "珊瑚绒"),
         ("Washed Silk", "水洗真丝"), ("Ribbed Cotton", "罗纹棉"), ("Flannel", "法兰绒")),
        (("Pyjama Set", "睡衣套装", 1.3), ("Nightdress", "睡裙", 0.9), ("Robe", "晨袍", 1.5),
         ("Lounge Trousers", "家居裤", 0.7), ("Slippers", "拖鞋", 0.35), ("Sleep Mask", "眼罩", 0.3)),
    ),
    Category(
        "Accessories", "配饰", 0.08, 59, 0.2, 0.10, 0.055, 0.8, _COLD,
        (("Cotton", "纯棉"), ("Wool", "羊毛"), ("Vegan Leather", "环保皮"), ("Silk", "真丝"),
         ("Canvas", "帆布"), ("Straw", "草编")),
        (("Socks", "袜子", 0.3), ("Scarf", "围巾", 1.5), ("Tote Bag", "托特包", 1.6),
         ("Belt", "腰带", 1.2), ("Hat", "帽子", 1.0), ("Hair Tie Set", "发圈套装", 0.25)),
    ),
    Category(
        "Fans & Summer", "夏季用品", 0.03, 79, 1.0, 0.08, 0.045, 0.5, _WARM,
        (("Ice Silk", "冰丝"), ("Bamboo", "竹制"), ("Rattan", "藤编"), ("Cotton", "纯棉"),
         ("Rush", "蔺草"), ("Mesh", "网眼")),
        (("Cooling Mat", "凉席", 2.0), ("Hand Fan", "团扇", 0.4), ("Seat Cushion", "坐垫", 0.7),
         ("Mosquito Net", "蚊帐", 1.5), ("Beach Towel", "沙滩巾", 0.9), ("Sun Hat", "遮阳帽", 0.9)),
    ),
)  # fmt: skip

STYLES: tuple[Word, ...] = (
    ("Ivory", "象牙白"), ("Oat", "燕麦"), ("Mist Blue", "雾蓝"), ("Sage", "鼠尾草绿"),
    ("Charcoal", "炭灰"), ("Terracotta", "陶土"), ("Navy", "藏青"), ("Blush", "浅粉"),
    ("Mustard", "芥末黄"), ("Plum", "梅子紫"), ("Sand", "沙色"), ("Forest", "森林绿"),
    ("Caramel", "焦糖"), ("Slate", "石板灰"), ("Cherry", "樱桃红"), ("Lake", "湖水绿"),
)  # fmt: skip

SUPPLIERS: tuple[Word, ...] = (
    ("Nantong Yunmian Home Textiles", "南通云棉家纺"), ("Nantong Haoyu Bedding", "南通皓宇床品"),
    ("Shaoxing Jinhe Fabrics", "绍兴锦禾纺织"), ("Hangzhou Siyu Silk", "杭州丝语丝绸"),
    ("Dongguan Mingcheng Garments", "东莞铭成制衣"), ("Guangzhou Yilin Apparel", "广州依林服饰"),
    ("Foshan Chenxi Knitwear", "佛山晨曦针织"), ("Humen Lijia Fashion", "虎门丽佳时装"),
    ("Ningbo Hengtai Menswear", "宁波恒泰男装"), ("Quanzhou Dongfang Clothing", "泉州东方服装"),
    ("Jingdezhen Qingyao Ceramics", "景德镇青窑陶瓷"), ("Chaozhou Wanhe Porcelain", "潮州万和瓷业"),
    ("Liling Hongyu Stoneware", "醴陵宏宇陶艺"), ("Zibo Lucheng Glass", "淄博鲁城玻璃"),
    ("Caoxian Muyun Woodcraft", "曹县木韵木艺"), ("Anji Zhuxi Bamboo", "安吉竹溪竹业"),
    ("Boxing Caoyi Weaving", "博兴草艺编织"), ("Yiwu Meishang Decor", "义乌美尚饰品"),
    ("Yiwu Jiahe Storage", "义乌佳禾收纳"), ("Gaoyang Ruixue Towels", "高阳瑞雪毛巾"),
    ("Weifang Yijie Bath", "潍坊依洁卫浴"), ("Zhuji Baina Socks", "诸暨百纳袜业"),
    ("Haining Xinghe Leather", "海宁星禾皮具"), ("Shantou Nuanxin Loungewear", "汕头暖心家居服"),
    ("Suzhou Lanting Linen", "苏州兰亭亚麻"),
)  # fmt: skip

SUPPLIER_CATEGORIES: tuple[tuple[int, ...], ...] = (
    (0,), (0, 9), (0, 5, 6), (5, 7), (6, 5), (5,), (5, 6), (5,), (6,), (6, 7), (1, 2), (1,),
    (1, 2), (2, 1), (1, 3), (3, 9), (3, 2), (2, 8), (3, 8), (4,), (4, 3), (8,), (8,), (7,),
    (2, 9, 0),
)  # fmt: skip
