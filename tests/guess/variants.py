"""The same orders, written in the ways in which people's exports write them."""

import datetime as dt
import gzip
import io
from dataclasses import dataclass, field

D = dt.date
# customer, day, cents
ORDERS = [
    ("K0007", D(2026, 1, 5), 123450),
    ("K0012", D(2026, 1, 31), 1200),
    ("K0007", D(2026, 2, 14), 98765),
    ("K0101", D(2026, 3, 28), 1234567),
    ("K0012", D(2026, 4, 2), 50050),
    ("K0300", D(2026, 5, 17), 7),
    ("K0101", D(2026, 6, 30), 250000),
    ("K0044", D(2026, 7, 8), 33333),
    ("K0007", D(2026, 8, 19), 410010),
    ("K0044", D(2026, 9, 25), 60),
    ("K0300", D(2026, 10, 11), 99999),
    ("K0555", D(2026, 10, 29), 777777),
]
EARLY = [(c, d.replace(day=d.day % 12 + 1), x) for c, d, x in ORDERS]  # no day beyond 12: day and month look alike


def money(mark=",", point=".", before="", after=""):
    def said(cents):
        text = f"{cents / 100:,.2f}".replace(",", "\0").replace(".", point).replace("\0", mark)
        return f"{before}{text}{after}"

    return said


def day(form, zeros=True):
    def said(d):
        text = d.strftime(form)
        return text if zeros else "/".join(str(int(p)) for p in text.split("/"))

    return said


def serial(on):
    """A day as Excel counts it."""
    return (on - D(1899, 12, 30)).days


@dataclass
class Variant:
    """How the orders are written; `answers` are given when questions are expected."""

    name: str
    head: tuple = ("Customer ID", "Order Date", "Amount")
    day: object = day("%Y-%m-%d")
    money: object = money("")
    sign: str = ","
    encoding: str = "utf-8"
    file: str = "orders.csv"
    above: str = ""
    below: str = ""
    more: dict = field(default_factory=dict)  # further columns: header → function of (row number, cents)
    orders: list = field(default_factory=lambda: ORDERS)
    answers: dict = field(default_factory=dict)
    total: int | None = None
    columns: tuple = ()  # theirs for customer_id, at, amount, where not the head

    def text(self):
        out = io.StringIO()
        out.write(self.above)
        rows = [[*self.head, *self.more]]
        for i, (customer, on, cents) in enumerate(self.orders):
            extra = [make(i, cents) for make in self.more.values()]
            rows.append([customer, self.day(on), self.money(cents), *extra])
        for row in rows:
            out.write(self.sign.join(self._quoted(str(v)) for v in row) + "\r\n")
        return out.getvalue() + self.below

    def _quoted(self, text):
        return '"' + text.replace('"', '""') + '"' if self.sign in text or "\n" in text or '"' in text else text

    def write(self, folder, xlsx):
        path = folder / self.file
        if self.file.endswith(".gz"):
            path.write_bytes(gzip.compress(self.text().encode(self.encoding)))
        else:
            path.write_bytes(self.text().encode(self.encoding))
        return path

    @property
    def expected(self):
        names = self.columns or self.head
        return dict(zip(("customer_id", "at", "amount"), (n.strip() for n in names), strict=True))

    @property
    def sum(self):
        return self.total if self.total is not None else sum(x for *_, x in self.orders)


@dataclass
class Workbook(Variant):
    """As a workbook of typed cells; `text_money` keeps the amounts as text, `counted` the days as bare numbers."""

    file: str = "orders.xlsx"
    text_money: bool = False
    counted: bool = False
    sheet: str = "Orders"
    others: dict = field(default_factory=dict)

    def write(self, folder, xlsx):
        rows = [[*self.head, *self.more]]
        for i, (customer, on, cents) in enumerate(self.orders):
            extra = [make(i, cents) for make in self.more.values()]
            at = serial(on) if self.counted else on
            rows.append([customer, at, self.money(cents) if self.text_money else cents / 100, *extra])
        return xlsx(folder / self.file, {self.sheet: rows, **self.others})


@dataclass
class Typed(Variant):
    """As a Parquet file with types."""

    file: str = "orders.parquet"

    def write(self, folder, xlsx):
        import pandas as pd

        frame = pd.DataFrame(self.orders, columns=list(self.head))
        frame[self.head[2]] = frame[self.head[2]] / 100
        frame[self.head[1]] = pd.to_datetime(frame[self.head[1]])
        path = folder / self.file
        frame.to_parquet(path)
        return path


CN = ("客户编号", "下单时间", "订单金额")
TW = ("客戶編號", "訂單日期", "訂單金額")
small = [(c, d, x) for c, d, x in ORDERS if x >= 100000][:3]

VARIANTS = [
    Variant("plain English"),
    Variant("American", ("Cust No.", "Purchase Date", "Total Amount"), day("%m/%d/%Y"), money(",", ".", "$")),
    Variant("British", ("Client ID", "Invoice Date", "Invoice Total"), day("%d/%m/%Y"), money(",", ".", "£")),
    Variant(
        "German",
        ("Kundennr.", "Bestelldatum", "Nettobetrag"),
        day("%d.%m.%Y"),
        money(".", ",", after=" €"),
        ";",
        "cp1252",
    ),
    Variant(
        "French",
        ("N° client", "Date de commande", "Montant"),
        day("%d/%m/%Y"),
        money("\u00a0", ",", after=" €"),
        ";",
    ),
    Variant("Swiss", ("Kundennummer", "Rechnungsdatum", "Rechnungsbetrag"), day("%d.%m.%Y"), money("'", "."), ";"),
    Variant("Chinese GB18030", CN, day("%Y/%m/%d", False), money(",", ".", "￥"), encoding="gb18030"),
    Variant(
        "Chinese Big5",
        TW,
        day("%Y/%m/%d"),
        money(",", ".", "$"),
        encoding="big5",
        more={"城市": lambda i, x: "臺北市"},
    ),
    Variant("Chinese UTF-16", CN, day("%Y-%m-%d %H:%M:%S"), sign="\t", encoding="utf-16", file="订单.txt"),
    Variant("Chinese days in words", CN, day("%Y年%m月%d日"), money(",", ".", after="元"), encoding="utf-8-sig"),
    Variant("days without signs", ("会员号", "消费日期", "消费金额"), day("%Y%m%d")),
    Variant("ten thousands", ("客户ID", "成交日期", "成交金额（万元）"), money=lambda x: f"{x / 1e6:.6f}"),
    Variant("title above", above="Orders of the shop\r\nExported on 2026-11-01\r\n"),
    Variant("tabs", sign="\t", file="orders.tsv", money=money()),
    Variant("bars", ("CUSTOMER_NO", "ORDER_TIME", "NET_AMOUNT"), lambda d: f"{d}T10:15:00+08:00", sign="|"),
    Variant("lines in cells", more={"Note": lambda i, x: "two\nlines" if i % 3 else 'say "hi"'}),
    Variant("order and payment", CN, more={"付款时间": lambda i, x: f"2026-11-{i + 1:02d}"}),
    Variant(
        "price and quantity",
        more={"Unit Price": lambda i, x: x / 200, "Quantity": lambda i, x: 2, "Tax": lambda i, x: 1},
    ),
    Variant("line of totals", CN, below="合计,,2838218.00\r\n"),
    Variant(
        "cancelled orders",
        CN,
        more={"订单状态": lambda i, x: "已取消" if i == 3 else "已完成"},
        total=sum(x for *_, x in ORDERS) - 1234567,
    ),
    Variant(
        "brackets below zero",
        orders=[*ORDERS, ("K0007", D(2026, 10, 30), -5000)],
        money=lambda x: f"({-x / 100:.2f})" if x < 0 else f"{x / 100:.2f}",
    ),
    Variant("morning and evening", day=day("%m/%d/%Y 03:04 PM")),
    Variant("months by name", day=day("%d-%b-%Y")),
    Variant("months by name, American", day=day("%B %d, %Y")),
    Variant("accents", more={"City": lambda i, x: ("Zürich", "Orléans", "Málaga")[i % 3]}, encoding="latin-1"),
    Variant(
        "blank padding",
        (" 客户编号 ", "下单时间　", " 实付金额 "),
        day("%Y/%m/%d"),
        money(","),
        encoding="gb18030",
    ),
    Variant("packed", file="orders.csv.gz"),
    Variant(
        "only large sums, in groups",
        money=lambda x: f"{x:,}",
        orders=[*ORDERS, *ORDERS],
        total=200 * sum(x for *_, x in ORDERS),
    ),
    Variant("days mixed with times", CN, lambda d: f"{d:%Y/%m/%d %H:%M}" if d.day % 2 else f"{d:%Y/%m/%d}"),
    Workbook("workbook", CN),
    Workbook("workbook with text", CN, money=money(",", ".", "￥"), text_money=True),
    Workbook("workbook with two sheets", CN, others={"说明": [["说明", "内容"], ["导出人", "系统"]]}),
    Typed("typed Parquet"),
    Variant("generic names", ("customer", "date", "total"), file="sales.csv"),
    Variant(
        "Navision",
        ("Sell-to Customer No.", "Posting Date", "Line Amount Excl. VAT"),
        day("%d.%m.%Y"),
        money(".", ","),
        ";",
        more={"Document No.": lambda i, x: f"RE-{i}", "Unit Price Excl. VAT": lambda i, x: "1,00"},
    ),
    Variant(
        "German invoices",
        ("Kunden-Nr.", "Belegdatum", "Nettobetrag"),
        day("%d.%m.%Y"),
        money(".", ","),
        ";",
        "cp1252",
        more={"Kunde": lambda i, x: "Müller"},
        below=";;;\r\n" * 5,
    ),
    Variant(
        "tabs behind values", CN, lambda d: f"{d:%Y/%m/%d}\t", orders=[(f"{c}\t", d, x) for c, d, x in ORDERS]
    ),
    Variant("zone behind a blank", day=lambda d: f"{d} 10:15:00 +0800"),
    Variant("clear part of a name", ("Our Customer No.", "Order Date", "Order Amount in Shop")),
    Variant(
        "total in the number of the row",
        CN,
        more={"序号": lambda i, x: i + 1},
        below=",,2838218.00,合计\r\n",
    ),
    Variant(
        "refunded orders",
        CN,
        more={"订单状态": lambda i, x: "退款成功" if i == 3 else "交易成功"},
        total=sum(x for *_, x in ORDERS) - 1234567,
    ),
    # what can't be known must be asked
    Variant(
        "the last order is no order",
        ("客户编号", "最近下单时间", "累计消费金额"),
        file="订单.csv",
        answers={"at": "最近下单时间", "amount": "累计消费金额"},
    ),
    Variant(
        "amount of the order on each line",
        CN,
        more={"订单编号": lambda i, x: f"D{i // 2}", "商品编号": lambda i, x: f"P{i}"},
        orders=[o for o in ORDERS for _line in range(2)],
        answers={"amount_of": "line"},
    ),
    Variant(
        "two amounts", CN, more={"实付金额": lambda i, x: f"{x / 100 - 1:.2f}"}, answers={"amount": "订单金额"}
    ),
    Variant("day or month", day=day("%d/%m/%Y"), orders=EARLY, answers={"dates": "day-first"}),
    Variant("short years", day=day("%d/%m/%y"), orders=EARLY, answers={"dates": "day-first"}),
    Variant(
        "comma of thousands or decimals",
        money=lambda x: f"{x // 100:,}",
        orders=small,
        answers={"decimal": "point"},
        total=sum(x // 100 * 100 for *_, x in small),
    ),
    Variant(
        "names for ids",
        ("客户名称", "下单日期", "金额"),
        orders=[("某某商贸", d, x) for c, d, x in ORDERS],
        answers={"customer_id": "客户名称"},
    ),
    Variant(
        "two currencies",
        money=lambda x: f"￥{x / 100:.2f}" if x % 2 else f"${x / 100:.2f}",
        answers={"currency": "CNY"},
    ),
    Variant(
        "names that say nothing",
        ("F1", "F2", "F3"),
        file="orders.csv",
        answers={"table": "transactions", "customer_id": "F1", "at": "F2", "amount": "F3"},
    ),
    Variant("days as Excel counts them", CN, serial, answers={"excel_days": "excel"}),
    Workbook("days as bare numbers", counted=True, answers={"excel_days": "excel"}),
    Variant(
        "days as the old Excel for Mac counts them",
        CN,
        lambda d: (d - D(1904, 1, 1)).days,
        answers={"excel_days": "excel-1904"},
    ),
    Variant("two ids", more={"Member No": lambda i, x: f"M{i % 5}"}, answers={"customer_id": "Customer ID"}),
]
