"""Names in the sample company, some of them hostile on purpose: reports must show them as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

HOSTILE_PRODUCT = "Stove X7 <script>alert(1)</script>"
HOSTILE_ACCESSORY = "Knife set 🔪 {limited} **bold**"
HOSTILE_CAMPAIGN = "=cmd|' /C calc'!A0"
HOSTILE_REGION = 'South\\West $x_1$ "Basin"'
HOSTILE_STAGE = "Design <b>&</b> quote"
HOSTILE_OWNER = "Shane O'Neil \u202egnp.exe"
HOSTILE_ASPECT = "After-sales <script>alert(1)</script>"
HOSTILE_COMMENT = "<img src=x onerror=alert(1)> the 'hood' is \"loud\" 😡"


@dataclass(frozen=True)
class Product:
    """A product with its list price; sold from `launched` on."""

    product_id: str
    name: str
    category: str
    price: float
    launched: date


PRODUCTS = (
    Product("P01", "Stove S3 Compact", "stove", 4_900, date(2023, 10, 1)),
    Product("P02", "Stove S5 Classic", "stove", 6_600, date(2023, 10, 1)),
    Product("P03", "Stove S6 Steam", "stove", 8_800, date(2023, 10, 1)),
    Product("P04", HOSTILE_PRODUCT, "stove", 11_800, date(2023, 10, 1)),
    Product("P05", "Stove X9 Dishwasher", "stove", 15_600, date(2024, 3, 1)),
    Product("P06", "Stove X11 Master", "stove", 21_800, date(2025, 3, 1)),
    Product("P07", "Hood duct kit", "accessory", 480, date(2023, 10, 1)),
    Product("P08", HOSTILE_ACCESSORY, "accessory", 690, date(2023, 10, 1)),
    Product("P09", "Steam tray set", "accessory", 980, date(2023, 10, 1)),
    Product("P10", "Cookware set", "accessory", 1_380, date(2023, 10, 1)),
    Product("P11", "Water purifier", "accessory", 1_990, date(2024, 2, 1)),
    Product("P12", "Cabinet panel", "accessory", 2_880, date(2023, 10, 1)),
    Product("P13", "Descaler", "consumable", 39, date(2023, 10, 1)),
    Product("P14", "Dishwasher tablets", "consumable", 89, date(2023, 10, 1)),
    Product("P15", "Grease filter", "consumable", 149, date(2023, 10, 1)),
    Product("P16", "Cleaning set", "consumable", 259, date(2024, 4, 1)),
    Product("P17", "Maintenance visit", "service", 220, date(2023, 10, 1)),
    Product("P18", "Extended warranty", "service", 680, date(2023, 10, 1)),
)


@dataclass(frozen=True)
class Region:
    """A region: its share of customers, its cities, and who sells there."""

    name: str
    share: float
    cities: tuple[str, ...]
    owners: tuple[str, ...]


REGIONS = (
    Region("Zhejiang", 0.24, ("Hangzhou", "Ningbo", "Jiaxing", "Wenzhou"), ("Chen Yu", "Fang Lin")),
    Region("Jiangsu", 0.19, ("Nanjing", "Suzhou", "Wuxi"), ("Gu Ming", HOSTILE_OWNER)),
    Region("Shanghai", 0.13, ("Shanghai",), ("He Jia",)),
    Region("Guangdong", 0.16, ("Guangzhou", "Shenzhen", "Foshan"), ("Liang Bo", "Pan Xin")),
    Region("Shandong", 0.11, ("Jinan", "Qingdao"), ("Sun Wei",)),
    Region("Hubei", 0.08, ("Wuhan", "Yichang"), ("Tang Rui",)),
    Region(HOSTILE_REGION, 0.09, ("Chengdu", "Chongqing"), ("Wu Qian", "Zhou Hang")),
)

# fmt: off
SURNAMES = (
    "Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu",
    "Xu", "Sun", "Hu", "Zhu", "Gao", "Lin", "He", "Guo", "Ma", "Luo",
)
GIVEN = (
    "Wei", "Fang", "Na", "Min", "Jing", "Lei", "Qiang", "Yan", "Jie", "Tao", "Ming", "Chao",
    "Xia", "Ping", "Gang", "Hua", "Hui", "Juan", "Bo", "Lan", "Yun", "Xin", "Ning",
)
# fmt: on
FIRMS = ("Kitchens", "Interiors", "Home Design", "Fittings", "Building", "Trading")
INDUSTRIES = ("kitchen studio", "furnishing", "property developer", "appliance dealer")
INDUSTRY_SHARES = (0.38, 0.27, 0.12, 0.23)
SIZES = ("1–9 staff", "10–49 staff", "50–249 staff")
SIZE_SHARES = (0.58, 0.32, 0.10)
TIERS = ("basic", "silver", "gold", "diamond")
TIER_FROM_POINTS = (300, 1_000, 3_000)
CHANNELS = ("store", "web shop", "partner")

COMMENTS = (
    "Fitter came late, the rest was fine.",
    "Strong suction, easy to clean.",
    "Very helpful advice in the shop.",
    "Delivery took a week longer than promised.",
    "装修师傅很专业，灶具好用。",
    "The dishwasher is louder than expected.",
    HOSTILE_COMMENT,
    '=HYPERLINK("http://example.com")',
    "Good value; would buy again.",
    "{name} $x_1$ **never** again \\o/ \u202eok",
)
COMPETITORS = (("Kitchen King", 0.11), ("Blue Flame", 0.08), ("Haojia", 0.06))
