"""Materials and variants of products, in English and Chinese."""

from __future__ import annotations

MATERIALS: dict[str, tuple[str, float]] = {
    "Acetate": ("醋酸", 1.1), "Bamboo": ("竹制", 1.0), "Bamboo Fibre": ("竹纤维", 1.0),
    "Beech": ("榉木", 1.0), "Bone China": ("骨瓷", 1.3),
    "Borosilicate Glass": ("高硼硅玻璃", 0.9), "Bouclé": ("圈圈绒", 1.15),
    "Brass": ("黄铜", 1.35), "Brushed Cotton": ("磨毛棉", 1.0), "Canvas": ("帆布", 0.9),
    "Cashmere": ("羊绒", 2.2), "Cashmere Blend": ("羊绒混纺", 1.5), "Ceramic": ("陶瓷", 0.9),
    "Clear Acrylic": ("透明亚克力", 0.85), "Combed Cotton": ("精梳棉", 1.0),
    "Coral Fleece": ("珊瑚绒", 0.9), "Corduroy": ("灯芯绒", 1.05), "Cotton": ("纯棉", 0.85),
    "Cotton Gauze": ("棉纱", 0.95), "Cotton Poplin": ("府绸棉", 0.95), "Denim": ("牛仔", 1.0),
    "Diatomite": ("硅藻土", 1.0), "Down": ("羽绒", 1.7), "Feather": ("羽毛", 1.2),
    "Felt": ("毛毡", 0.8), "Flannel": ("法兰绒", 0.95), "French Linen": ("法国亚麻", 1.4),
    "Heavyweight Cotton": ("重磅棉", 1.05), "Ice Silk": ("冰丝", 0.95), "Iron": ("铁艺", 0.9),
    "Lambswool": ("羊羔毛", 1.25), "Latex": ("乳胶", 1.5), "Leather": ("头层牛皮", 1.6),
    "Linen": ("亚麻", 1.15), "Long-Staple Cotton": ("长绒棉", 1.2),
    "Memory Foam": ("记忆棉", 1.1), "Merino": ("美利奴羊毛", 1.4), "Mesh": ("网纱", 0.75),
    "Microfibre": ("超细纤维", 0.7), "Modal": ("莫代尔", 1.0), "Mulberry Silk": ("桑蚕丝", 1.8),
    "Oak": ("橡木", 1.2), "Oxford Cotton": ("牛津纺", 1.0), "Paper Rope": ("纸绳", 0.8),
    "Pique Cotton": ("珠地棉", 0.95), "Powder-Coated Steel": ("喷涂钢", 1.0),
    "Rattan": ("藤编", 1.1), "Resin": ("树脂", 0.75), "Ribbed Cotton": ("罗纹棉", 0.95),
    "Ribbed Glass": ("条纹玻璃", 0.9), "Rush": ("蔺草", 1.1), "Satin": ("缎面", 0.85),
    "Seagrass": ("海草", 1.0), "Seersucker": ("泡泡纱", 0.95), "Soy": ("大豆纤维", 1.1),
    "Stainless Steel": ("不锈钢", 1.0), "Stoneware": ("粗陶", 1.0), "Straw": ("草编", 0.85),
    "Tencel": ("天丝", 1.25), "Tritan": ("Tritan材质", 0.9), "Tweed": ("粗花呢", 1.35),
    "Vegan Leather": ("环保皮", 0.95), "Waffle Cotton": ("华夫格棉", 1.0),
    "Walnut": ("胡桃木", 1.45), "Washed Cotton": ("水洗棉", 1.0),
    "Washed Silk": ("水洗真丝", 1.6), "Wool": ("羊毛", 1.35), "Xinjiang Cotton": ("新疆棉", 0.95),
}  # fmt: skip

COLOURS: tuple[tuple[str, str], ...] = (
    ("Ivory", "象牙白"), ("Oat", "燕麦色"), ("Mist Blue", "雾蓝"), ("Sage", "鼠尾草绿"),
    ("Charcoal", "炭灰"), ("Terracotta", "陶土色"), ("Navy", "藏青"), ("Blush", "浅粉"),
    ("Mustard", "芥末黄"), ("Plum", "梅子紫"), ("Sand", "沙色"), ("Forest", "森林绿"),
    ("Caramel", "焦糖色"), ("Slate", "石板灰"), ("Cherry", "樱桃红"), ("Lake", "湖水绿"),
)  # fmt: skip

VARIANTS: tuple[tuple[str, str], ...] = (
    ("Small", "小号"), ("Medium", "中号"), ("Large", "大号"), ("Set of 2", "两件装"),
    ("Set of 4", "四件装"), ("Round", "圆款"), ("Square", "方款"), ("Tall", "高款"),
    ("Slim", "窄款"), ("Matt White", "哑白"), ("Ink Black", "墨黑"), ("Celadon", "青瓷色"),
    ("Amber", "琥珀色"), ("Natural", "原色"), ("Dark", "深色"), ("Gift Box", "礼盒装"),
)  # fmt: skip
