"""The catalogue of topics: each question the project answers, and the tables it stands on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A topic: its one word, its title and question, the tables it needs and those it can use.

    `needs` holds alternatives: each inner tuple is a set of tables that suffices on its own.
    """

    name: str
    title: str
    question: str
    needs: tuple[tuple[str, ...], ...]
    useful: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that the topic may ask for."""
        return tuple(dict.fromkeys(t for way in (*self.needs, self.useful) for t in way))

    def missing(self, tables: set[str]) -> tuple[str, ...]:
        """Tables that would have to come for the cheapest alternative; empty when the topic can run."""
        return min((tuple(t for t in way if t not in tables) for way in self.needs), key=len)


SEGMENTATION = Topic(
    "segmentation",
    "Segments",
    "Which customers matter, and what sets them apart?",
    needs=(("transactions",), ("customer_summaries",)),
    useful=("customers", "products", "surveys", "survey_items"),
    publishes=("customers", "segments"),
)
CLV = Topic(
    "clv",
    "Customer value",
    "Which customers will be worth most?",
    needs=(("transactions",),),
    useful=("products", "campaign_costs", "contacts"),
    publishes=("customers",),
)
FUNNEL = Topic(
    "funnel",
    "Sales funnel",
    "What is in the pipe, and where does it stall?",
    needs=(("opportunities",),),
    useful=("stage_events", "leads", "market", "products", "targets", "transactions"),
    publishes=("stages",),
)
SATISFACTION = Topic(
    "satisfaction",
    "Satisfaction",
    "Are customers content, and with what?",
    needs=(("surveys",),),
    useful=("survey_items", "cases", "customers", "transactions"),
    publishes=("aspects", "touchpoints", "drivers", "rates", "customers"),
)
RETENTION = Topic(
    "retention",
    "Retention",
    "Who stays, who goes, and whom to call first?",
    needs=(("transactions",),),
    useful=("customers",),
    publishes=("customers", "churn", "moves"),
)
CAMPAIGNS = Topic(
    "campaigns",
    "Campaigns",
    "What did marketing really bring?",
    needs=(("contacts",), ("campaigns",)),
    useful=(
        *("campaigns", "contacts", "campaign_costs", "leads", "opportunities", "transactions", "products"),
        *("surveys", "survey_items", "targets", "market"),
    ),
    publishes=("customers", "campaigns", "uplift", "plays"),
)
ACTION_PLAN = Topic(
    "action_plan",
    "Action plan",
    "Whom to contact next, with what, and what did it bring?",
    needs=(("transactions",), ("customer_summaries",)),
    useful=(
        *("customers", "products", "campaigns", "contacts", "cases", "targets"),
        *("surveys", "survey_items", "market"),
    ),
    publishes=("customers", "plays", "results"),
    after=("segmentation", "clv", "funnel", "satisfaction", "retention", "campaigns"),
)

# In the order of the index.
ALL = (
    SEGMENTATION,
    CLV,
    FUNNEL,
    SATISFACTION,
    RETENTION,
    CAMPAIGNS,
    ACTION_PLAN,
)
TOPICS: dict[str, Topic] = {topic.name: topic for topic in ALL}
