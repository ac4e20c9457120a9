"""What each table is: its columns, their types and limits, its key, and when a row came to be known."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, DAY, TIME, MONEY, COUNT, NUMBER, FLAG = (
    "string",
    "date",
    "timestamp",
    "decimal(18,2)",
    "int64",
    "float64",
    "boolean",
)


@dataclass(frozen=True)
class Column:
    """A column: name, ibis type, meaning, and what its values may be.

    `required` columns must exist and hold a value in every row. `outcome` columns come later than the row
    and are blanked by `cut`; `dated_by` names the column that says when (itself where it is a date).
    """

    name: str
    type: str
    meaning: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    refers_to: str | None = None
    outcome: bool = False
    dated_by: str | None = None


@dataclass(frozen=True)
class TableContract:
    """A table: its columns, its key (empty: duplicates are legal) and the column that says when a row was known.

    `extra` says whether further columns are kept as attributes. `known_on` names columns in order of preference.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    known_on: tuple[str, ...] = ()
    known_through: str | None = None
    extra: bool = False

    def column(self, name: str) -> Column | None:
        """The column of this name, or None."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must exist."""
        return tuple(c.name for c in self.columns if c.required)


def _ref(name: str, table: str, meaning: str, required: bool = False) -> Column:
    return Column(name, TEXT, meaning, required=required, refers_to=table)


CUSTOMER = _ref("customer_id", "customers", "the customer")

CUSTOMERS = TableContract(
    "customers",
    "one row per customer",
    (
        Column("customer_id", TEXT, "the customer's id", required=True),
        Column("since", DAY, "first day as a customer"),
        Column("name", TEXT, "name; never shown in a report"),
        Column("owner", TEXT, "who looks after the customer"),
        Column("consent", FLAG, "has agreed to be contacted"),
        Column("unsubscribed_on", DAY, "day of withdrawal from contact", outcome=True),
        Column("contract_end", DAY, "last day of the contract"),
        Column("channel", TEXT, "channel through which the customer came"),
        Column("region", TEXT, "region"),
        Column("city", TEXT, "city"),
        Column("birth_year", COUNT, "year of birth", at_least=1880, at_most=2100),
        Column("gender", TEXT, "gender"),
        Column("industry", TEXT, "industry, for firms"),
        Column("size", TEXT, "size class, for firms"),
        Column("tier", TEXT, "tier in the loyalty programme"),
        Column("points", COUNT, "points in the loyalty programme", at_least=0),
    ),
    key=("customer_id",),
    known_on=("since",),
    extra=True,
)

TRANSACTIONS = TableContract(
    "transactions",
    "one row per purchase line or whole order; refunds are negative; exact duplicates are legal",
    (
        Column("customer_id", TEXT, "the customer", required=True, refers_to="customers"),
        Column("at", TIME, "when it was bought", required=True),
        Column("amount", MONEY, "what was paid, refunds negative", required=True),
        Column("transaction_id", TEXT, "id of the row"),
        Column("order_id", TEXT, "id of the order"),
        _ref("product_id", "products", "the product"),
        Column("category", TEXT, "product category"),
        Column("channel", TEXT, "channel of the purchase"),
        _ref("campaign_id", "campaigns", "the campaign it is credited to"),
        Column("quantity", NUMBER, "units"),
        Column("cost_amount", MONEY, "production cost of the row"),
        Column("discount_amount", MONEY, "what was taken off the list price of the row; refunds negative"),
    ),
    known_on=("at",),
)

PRODUCTS = TableContract(
    "products",
    "one row per product",
    (
        Column("product_id", TEXT, "the product's id", required=True),
        Column("name", TEXT, "name"),
        Column("category", TEXT, "category"),
        Column("unit_cost", MONEY, "production cost of one unit", at_least=0),
        Column("launched_on", DAY, "first day on sale"),
    ),
    key=("product_id",),
)

CUSTOMER_SUMMARIES = TableContract(
    "customer_summaries",
    "one row per customer already summed up, for sources without transactions",
    (
        Column("customer_id", TEXT, "the customer's id", required=True),
        Column("days_since_last", COUNT, "days since the last order", required=True, at_least=0),
        Column("n_orders", COUNT, "orders", required=True, at_least=0),
        Column("amount", MONEY, "net amount of all orders", required=True),
    ),
    key=("customer_id",),
    extra=True,
)

LEADS = TableContract(
    "leads",
    "one row per lead",
    (
        Column("lead_id", TEXT, "the lead's id", required=True),
        Column("created_at", TIME, "when it came in", required=True),
        CUSTOMER,
        _ref("campaign_id", "campaigns", "the campaign that brought it"),
        Column("source", TEXT, "where it came from"),
        Column("qualified_at", TIME, "when it was qualified", outcome=True),
        Column("opportunity_id", TEXT, "the opportunity it became", outcome=True, dated_by="qualified_at"),
        Column("status", TEXT, "state on the day of the export", outcome=True, dated_by="qualified_at"),
    ),
    key=("lead_id",),
    known_on=("created_at",),
)

OPPORTUNITIES = TableContract(
    "opportunities",
    "one row per sales opportunity",
    (
        Column("opportunity_id", TEXT, "the opportunity's id", required=True),
        Column("opened_at", TIME, "when it was opened; empty where the source does not know yet"),
        CUSTOMER,
        _ref("lead_id", "leads", "the lead it came from"),
        _ref("campaign_id", "campaigns", "the campaign it is credited to"),
        Column("owner", TEXT, "who pursues it"),
        Column("region", TEXT, "region"),
        Column("product", TEXT, "product"),
        Column("source", TEXT, "where it came from"),
        Column("amount", MONEY, "value if won"),
        Column("expected_close_on", DAY, "day on which it is expected to close"),
        Column(
            "stage",
            TEXT,
            "stage on the day of the export, for sources without stage events",
            outcome=True,
            dated_by="closed_at",
        ),
        Column("closed_at", TIME, "when it was won or lost", outcome=True),
        Column("outcome", TEXT, "won or lost", one_of=("won", "lost"), outcome=True, dated_by="closed_at"),
    ),
    key=("opportunity_id",),
    known_on=("opened_at",),
)

STAGE_EVENTS = TableContract(
    "stage_events",
    "one row each time an opportunity enters a stage",
    (
        Column("opportunity_id", TEXT, "the opportunity", required=True, refers_to="opportunities"),
        Column("stage", TEXT, "the stage entered", required=True),
        Column("entered_at", TIME, "when", required=True),
    ),
    known_on=("entered_at",),
)

CAMPAIGNS = TableContract(
    "campaigns",
    "one row per campaign",
    (
        Column("campaign_id", TEXT, "the campaign's id", required=True),
        Column("name", TEXT, "name", required=True),
        Column("parent_id", TEXT, "the campaign it belongs to"),
        Column("kind", TEXT, "exhibition, e-mail, advertisement, online, questionnaire …"),
        Column("purpose", TEXT, "brand, new customers, partners, retention, cross-sell, win-back …"),
        Column("channel", TEXT, "channel"),
        Column("applied_on", DAY, "day of application"),
        Column("starts_on", DAY, "first day"),
        Column("ends_on", DAY, "last day"),
        Column("status", TEXT, "state", one_of=("applied", "approved", "running", "settled")),
        Column("applied_amount", MONEY, "money asked for", at_least=0),
        Column("approved_amount", MONEY, "money granted", at_least=0),
    ),
    key=("campaign_id",),
    known_on=("applied_on", "starts_on"),
)

COST_CATEGORIES = ("advertising", "promotion", "personnel", "material", "training", "other")

CAMPAIGN_COSTS = TableContract(
    "campaign_costs",
    "one row per budget item or actual cost",
    (
        Column("kind", TEXT, "budget or actual", required=True, one_of=("budget", "actual")),
        Column("category", TEXT, "category", required=True, one_of=COST_CATEGORIES),
        Column("amount", MONEY, "money", required=True),
        Column("spent_on", DAY, "day", required=True),
        _ref("campaign_id", "campaigns", "the campaign; empty for overhead"),
        Column("hours", NUMBER, "staff hours", at_least=0),
    ),
    known_on=("spent_on",),
)

CONTACTS = TableContract(
    "contacts",
    "one row per customer assigned to a campaign, contacted or held out",
    (
        Column("campaign_id", TEXT, "the campaign", required=True, refers_to="campaigns"),
        Column("assigned_at", TIME, "when the arm was drawn", required=True),
        CUSTOMER,
        Column("arm", TEXT, "treated or control", one_of=("treated", "control")),
        Column("response_group", TEXT, "group by answer"),
        Column("channel", TEXT, "channel"),
        Column("delivered_at", TIME, "when delivered", outcome=True),
        Column("opened_at", TIME, "when opened", outcome=True),
        Column("clicked_at", TIME, "when clicked", outcome=True),
        Column("responded_at", TIME, "when answered", outcome=True),
        Column("response", TEXT, "the answer", outcome=True, dated_by="responded_at"),
        Column("visits", COUNT, "visits in the outcome window", at_least=0, outcome=True),
        Column("orders", COUNT, "orders in the outcome window", at_least=0, outcome=True),
        Column("revenue_amount", MONEY, "revenue in the outcome window", outcome=True),
        Column("variant", TEXT, "what was sent, where several were tried; empty for who was held out"),
        Column("prior_amount", MONEY, "what was spent before, for sources without transactions"),
    ),
    known_on=("assigned_at",),
)

SURVEYS = TableContract(
    "surveys",
    "one row per survey sent, answered or not",
    (
        Column("response_id", TEXT, "the response's id", required=True),
        Column("asked_at", TIME, "when it was sent", required=True),
        CUSTOMER,
        Column("touchpoint", TEXT, "the moment it asks about"),
        Column("answered_at", TIME, "when it was answered; empty: not answered", outcome=True),
        Column("nps", NUMBER, "would recommend, on the declared scale", outcome=True, dated_by="answered_at"),
        Column("csat", NUMBER, "satisfied, on the declared scale", outcome=True, dated_by="answered_at"),
        Column("ces", NUMBER, "effort, on the declared scale", outcome=True, dated_by="answered_at"),
        Column("walked_away", FLAG, "left and never traded again", outcome=True, dated_by="answered_at"),
        Column("comment", TEXT, "free text; never shown", outcome=True, dated_by="answered_at"),
    ),
    key=("response_id",),
    known_on=("asked_at",),
)

SURVEY_ITEMS = TableContract(
    "survey_items",
    "one row per response and aspect asked",
    (
        Column("response_id", TEXT, "the response", required=True, refers_to="surveys"),
        Column("aspect", TEXT, "the aspect", required=True),
        Column("expected", NUMBER, "what was expected, on the declared scale", outcome=True),
        Column("perceived", NUMBER, "what was got, on the declared scale", outcome=True),
        Column("score", NUMBER, "a single score, where expectation was not asked", outcome=True),
    ),
    key=("response_id", "aspect"),
    known_through="surveys",
)

CASES = TableContract(
    "cases",
    "one row per complaint, failure, return or question",
    (
        Column("case_id", TEXT, "the case's id", required=True),
        Column(
            "kind",
            TEXT,
            "what it is",
            required=True,
            one_of=("complaint", "failure", "return", "question"),
        ),
        Column("opened_at", TIME, "when it was opened", required=True),
        CUSTOMER,
        _ref("product_id", "products", "the product"),
        Column("aspect", TEXT, "the aspect it is about"),
        Column("severity", TEXT, "severity"),
        Column("closed_at", TIME, "when it was closed", outcome=True),
        Column("outcome", TEXT, "how it ended", outcome=True, dated_by="closed_at"),
    ),
    key=("case_id",),
    known_on=("opened_at",),
)

TARGETS = TableContract(
    "targets",
    "one row per metric and period",
    (
        Column(
            "metric",
            TEXT,
            "what is aimed at: revenue, orders, satisfaction, market_share, won_amount (money won in deals)",
            required=True,
        ),
        Column("period_start", DAY, "first day", required=True),
        Column("period_end", DAY, "last day", required=True),
        Column("value", NUMBER, "the aim", required=True),
        Column("unit", TEXT, "its unit", required=True),
    ),
    key=("metric", "period_start", "period_end"),
)

MARKET = TableContract(
    "market",
    "one row per period and competitor",
    (
        Column("period_start", DAY, "first day", required=True),
        Column("period_end", DAY, "last day", required=True),
        Column("market_amount", MONEY, "sales of the whole market", at_least=0),
        Column("traffic", COUNT, "people who came near: visits to shop and site", at_least=0),
        Column("competitor", TEXT, "a competitor"),
        Column("competitor_amount", MONEY, "the competitor's sales", at_least=0),
    ),
    key=("period_start", "period_end", "competitor"),
)

TABLES: dict[str, TableContract] = {
    t.name: t
    for t in (
        CUSTOMERS,
        TRANSACTIONS,
        PRODUCTS,
        CUSTOMER_SUMMARIES,
        LEADS,
        OPPORTUNITIES,
        STAGE_EVENTS,
        CAMPAIGNS,
        CAMPAIGN_COSTS,
        CONTACTS,
        SURVEYS,
        SURVEY_ITEMS,
        CASES,
        TARGETS,
        MARKET,
    )
}
