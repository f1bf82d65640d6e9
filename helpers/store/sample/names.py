"""Categories, the goods in them, and suppliers, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.store.sample.materials import COLOURS, MATERIALS, VARIANTS


@dataclass(frozen=True)
class Good:
    """A kind of product: its names, a factor on its category's price, what it is made of."""

    name: str
    name_zh: str
    price: float
    materials: tuple[str, ...]


@dataclass(frozen=True)
class Category:
    """One category of the shop and its truth.

    Attributes:
        name: English name.
        name_zh: Chinese name.
        share: Share of the products.
        price_cny: Median list price.
        weight_kg: Weight of a piece.
        refund_rate: Share of lines refunded after shipment, on average.
        commission: Platform's commission on what was sold.
        insurance_cny: Return insurance of an order line.
        months: Factor on demand by month where seasons are on.
        styles: Variants of its products.
        goods: What is in it.
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
    styles: tuple[tuple[str, str], ...]
    goods: tuple[Good, ...]


@dataclass(frozen=True)
class Design:
    """One possible product: names and a factor on its category's price."""

    name: str
    name_zh: str
    price: float


def designs(category: Category) -> tuple[Design, ...]:
    """Everything that the words of a category can name, no name twice."""
    return tuple(
        Design(
            f"{material} {good.name}, {style}",
            f"{style_zh}{MATERIALS[material][0]}{good.name_zh}",
            good.price * MATERIALS[material][1],
        )
        for good in category.goods
        for material in good.materials
        for style, style_zh in category.styles
    )


_EVEN = (1.0,) * 12
_COLD = (1.5, 1.25, 1.0, 0.85, 0.7, 0.6, 0.55, 0.65, 0.9, 1.25, 1.5, 1.55)
_WARM = (0.5, 0.6, 0.9, 1.2, 1.6, 1.8, 1.7, 1.3, 0.9, 0.6, 0.5, 0.5)
_FESTIVE = (1.3, 0.95, 0.9, 0.9, 0.95, 0.9, 0.9, 0.95, 1.05, 1.05, 1.1, 1.3)
_BED = ("Washed Cotton", "Long-Staple Cotton", "Tencel", "French Linen", "Brushed Cotton")

CATEGORIES = (
    Category(
        "Bedding", "床品", 0.13, 199, 2.1, 0.09, 0.050, 1.1, _COLD, COLOURS,
        (
            Good("Duvet Cover Set", "四件套", 1.6, _BED),
            Good("Fitted Sheet", "床笠", 0.6, _BED),
            Good("Pillowcase Pair", "枕套一对", 0.3, (*_BED, "Mulberry Silk")),
            Good("Summer Quilt", "夏凉被", 1.0, ("Washed Cotton", "Tencel", "Soy")),
            Good("Winter Duvet", "冬被", 1.6, ("Down", "Soy", "Wool", "Mulberry Silk")),
            Good("Pillow", "枕头", 0.5, ("Latex", "Memory Foam", "Feather", "Down")),
        ),
    ),
    Category(
        "Kitchen & Dining", "餐厨", 0.12, 69, 0.9, 0.075, 0.045, 0.5, _EVEN, VARIANTS,
        (
            Good("Dinner Plate", "餐盘", 0.6, ("Stoneware", "Bone China", "Ceramic")),
            Good("Noodle Bowl", "面碗", 0.5, ("Stoneware", "Bone China", "Ceramic")),
            Good("Mug", "马克杯", 0.5, ("Stoneware", "Bone China", "Borosilicate Glass")),
            Good("Cutting Board", "砧板", 1.1, ("Walnut", "Beech", "Bamboo", "Stainless Steel")),
            Good("Teapot", "茶壶", 1.8, ("Stoneware", "Borosilicate Glass", "Stainless Steel")),
            Good("Cutlery Set", "餐具套装", 1.5, ("Stainless Steel", "Walnut")),
            Good("Water Bottle", "水杯", 0.9, ("Tritan", "Stainless Steel")),
        ),
    ),
    Category(
        "Home Decor", "家居装饰", 0.12, 89, 0.8, 0.085, 0.050, 0.6, _FESTIVE, COLOURS,
        (
            Good("Vase", "花瓶", 0.9, ("Ribbed Glass", "Ceramic", "Stoneware")),
            Good("Cushion Cover", "抱枕套", 0.5, ("Linen", "Bouclé", "Corduroy")),
            Good("Throw", "盖毯", 1.6, ("Bouclé", "Lambswool", "Cotton Gauze")),
            Good("Candle Holder", "烛台", 0.6, ("Brass", "Ribbed Glass", "Ceramic")),
            Good("Tray", "托盘", 0.7, ("Rattan", "Oak", "Resin")),
            Good("Table Lamp", "台灯", 2.4, ("Ceramic", "Rattan", "Brass")),
            Good("Curtain", "窗帘", 2.0, ("Linen", "Cotton", "Mesh")),
        ),
    ),
    Category(
        "Storage", "收纳", 0.09, 49, 1.2, 0.07, 0.045, 0.4, _EVEN, VARIANTS,
        (
            Good("Storage Basket", "收纳篮", 0.9, ("Canvas", "Seagrass", "Paper Rope", "Felt")),
            Good("Drawer Organiser", "抽屉收纳盒", 0.6, ("Clear Acrylic", "Bamboo", "Felt")),
            Good("Shelf", "置物架", 2.6, ("Powder-Coated Steel", "Bamboo", "Oak")),
            Good("Laundry Hamper", "脏衣篓", 1.6, ("Canvas", "Seagrass", "Rattan")),
            Good("Wardrobe Box", "衣物收纳箱", 0.9, ("Canvas", "Linen")),
            Good("Hook Rail", "挂钩", 0.7, ("Beech", "Iron", "Brass")),
        ),
    ),
    Category(
        "Bath", "卫浴毛巾", 0.08, 45, 0.5, 0.08, 0.050, 0.4, _EVEN, COLOURS,
        (
            Good("Bath Towel", "浴巾", 1.4, ("Waffle Cotton", "Combed Cotton", "Xinjiang Cotton")),
            Good("Face Towel Pair", "面巾两条装", 0.6, ("Combed Cotton", "Bamboo Fibre")),
            Good("Bath Mat", "浴室地垫", 1.2, ("Diatomite", "Microfibre", "Cotton")),
            Good("Bathrobe", "浴袍", 3.4, ("Waffle Cotton", "Coral Fleece", "Combed Cotton")),
            Good("Hair Towel", "干发帽", 0.5, ("Microfibre", "Waffle Cotton")),
            Good("Soap Dish", "皂盒", 0.4, ("Resin", "Ceramic")),
        ),
    ),
    Category(
        "Women's Apparel", "女装", 0.17, 169, 0.5, 0.155, 0.055, 1.6, _EVEN, COLOURS,
        (
            Good("Shirt", "衬衫", 0.9, ("Mulberry Silk", "Linen", "Cotton Poplin")),
            Good("Midi Dress", "中长连衣裙", 1.4, ("Linen", "Acetate", "Cotton Poplin")),
            Good("Knit Cardigan", "针织开衫", 1.1, ("Merino", "Cashmere Blend", "Cotton")),
            Good("Wide-Leg Trousers", "阔腿裤", 1.1, ("Linen", "Acetate", "Denim")),
            Good("Pleated Skirt", "百褶裙", 1.0, ("Acetate", "Satin", "Tweed")),
            Good("Camisole", "吊带背心", 0.5, ("Mulberry Silk", "Satin", "Ribbed Cotton")),
            Good("Coat", "大衣", 2.6, ("Wool", "Cashmere Blend", "Tweed")),
            Good("T-Shirt", "T恤", 0.5, ("Heavyweight Cotton", "Modal", "Ice Silk")),
        ),
    ),
    Category(
        "Men's Apparel", "男装", 0.10, 159, 0.6, 0.13, 0.055, 1.4, _EVEN, COLOURS,
        (
            Good("Shirt", "衬衫", 1.0, ("Oxford Cotton", "Linen", "Seersucker")),
            Good("T-Shirt", "T恤", 0.55, ("Heavyweight Cotton", "Ice Silk")),
            Good("Polo Shirt", "Polo衫", 0.8, ("Pique Cotton", "Ice Silk")),
            Good("Crewneck Sweater", "圆领毛衣", 1.2, ("Merino", "Cotton", "Lambswool")),
            Good("Chinos", "休闲裤", 1.1, ("Cotton", "Corduroy")),
            Good("Overshirt", "衬衫式外套", 1.5, ("Corduroy", "Denim", "Flannel")),
            Good("Shorts", "短裤", 0.7, ("Linen", "Cotton")),
        ),
    ),
    Category(
        "Loungewear", "家居服", 0.08, 129, 0.6, 0.115, 0.055, 1.2, _COLD, COLOURS,
        (
            Good("Pyjama Set", "睡衣套装", 1.3, ("Modal", "Flannel", "Washed Silk")),
            Good("Nightdress", "睡裙", 0.9, ("Modal", "Cotton Gauze", "Satin")),
            Good("Robe", "晨袍", 1.4, ("Coral Fleece", "Washed Silk", "Cotton Gauze")),
            Good("Lounge Trousers", "家居裤", 0.7, ("Modal", "Ribbed Cotton")),
            Good("Slippers", "拖鞋", 0.35, ("Linen", "Coral Fleece", "Felt")),
            Good("Sleep Mask", "眼罩", 0.3, ("Washed Silk", "Modal")),
        ),
    ),
    Category(
        "Accessories", "配饰", 0.08, 59, 0.2, 0.10, 0.055, 0.8, _COLD, COLOURS,
        (
            Good("Socks", "袜子", 0.3, ("Cotton", "Wool", "Combed Cotton")),
            Good("Scarf", "围巾", 1.6, ("Wool", "Cashmere", "Linen")),
            Good("Tote Bag", "托特包", 1.6, ("Canvas", "Vegan Leather", "Leather")),
            Good("Belt", "腰带", 1.2, ("Leather", "Vegan Leather", "Canvas")),
            Good("Hat", "帽子", 1.0, ("Wool", "Denim", "Corduroy")),
            Good("Hair Tie Set", "发圈套装", 0.25, ("Satin", "Mulberry Silk")),
        ),
    ),
    Category(
        "Summer Home", "夏季用品", 0.03, 79, 1.0, 0.08, 0.045, 0.5, _WARM, COLOURS,
        (
            Good("Cooling Mat", "凉席", 2.0, ("Ice Silk", "Rush", "Bamboo")),
            Good("Hand Fan", "团扇", 0.35, ("Bamboo", "Mulberry Silk")),
            Good("Seat Cushion", "坐垫", 0.7, ("Rush", "Ice Silk", "Linen")),
            Good("Mosquito Net", "蚊帐", 1.6, ("Mesh",)),
            Good("Sun Hat", "遮阳帽", 0.9, ("Straw", "Linen")),
        ),
    ),
)  # fmt: skip
