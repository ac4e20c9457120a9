"""The exports of known CRMs: by which headers each is recognised, and which of its columns is which of ours.

The headers are those of the systems' own standard fields, as they stand in an export; renamed and own fields are
found by the vocabulary. A profile settles what names alone do not: which of several ids is the customer's, that a
closing day holds for closed deals only, and the usual order of stages.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.sources.guess.shapes import plain


@dataclass(frozen=True)
class Profile:
    """An export: the CRM and its module, our table, the headers that give it away, our columns by their header."""

    system: str
    module: str
    table: str
    signature: tuple[str, ...]
    columns: dict[str, str]
    stages: tuple[str, ...] = ()

    def recognises(self, headers: set[str]) -> bool:
        """Whether all headers of the signature are there (as `plain` leaves them)."""
        return {plain(h) for h in self.signature} <= headers


ZOHO_STAGES = (
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Identify Decision Makers",
    "Proposal/Price Quote",
    "Negotiation/Review",
)
SALESFORCE_STAGES = (
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
)
HUBSPOT_STAGES = (
    "Appointment Scheduled",
    "Qualified To Buy",
    "Presentation Scheduled",
    "Decision Maker Bought-In",
    "Contract Sent",
)
SHARE_STAGES = ("验证客户", "需求确定", "方案/报价", "谈判审核")

PROFILES: tuple[Profile, ...] = (
    Profile(
        "Zoho CRM",
        "Deals",
        "opportunities",
        ("Record Id", "Deal Name", "Closing Date", "Stage"),
        {
            "opportunity_id": "Record Id",
            "opened_at": "Created Time",
            "customer_id": "Account Name.id",
            "owner": "Deal Owner",
            "source": "Lead Source",
            "amount": "Amount",
            "expected_close_on": "Closing Date",
            "closed_at": "Closing Date",
            "stage": "Stage",
        },
        ZOHO_STAGES,
    ),
    Profile(
        "Zoho CRM",
        "Accounts",
        "customers",
        ("Record Id", "Account Name", "Account Owner"),
        {
            "customer_id": "Record Id",
            "since": "Created Time",
            "name": "Account Name",
            "owner": "Account Owner",
            "region": "Billing State",
            "city": "Billing City",
            "industry": "Industry",
        },
    ),
    Profile(
        "Zoho CRM",
        "Sales Orders",
        "transactions",
        ("Record Id", "Account Name.id", "Grand Total"),
        {"customer_id": "Account Name.id", "at": "Created Time", "amount": "Grand Total", "order_id": "Record Id"},
    ),
    Profile(
        "Salesforce",
        "Opportunities",
        "opportunities",
        ("Opportunity ID", "Close Date", "Stage"),
        {
            "opportunity_id": "Opportunity ID",
            "opened_at": "Created Date",
            "customer_id": "Account ID",
            "owner": "Opportunity Owner",
            "source": "Lead Source",
            "amount": "Amount",
            "expected_close_on": "Close Date",
            "closed_at": "Close Date",
            "stage": "Stage",
        },
        SALESFORCE_STAGES,
    ),
    Profile(
        "Salesforce",
        "Opportunity (data export)",
        "opportunities",
        ("Id", "AccountId", "StageName", "CloseDate"),
        {
            "opportunity_id": "Id",
            "opened_at": "CreatedDate",
            "customer_id": "AccountId",
            "owner": "OwnerId",
            "source": "LeadSource",
            "campaign_id": "CampaignId",
            "amount": "Amount",
            "expected_close_on": "CloseDate",
            "closed_at": "CloseDate",
            "stage": "StageName",
        },
        SALESFORCE_STAGES,
    ),
    Profile(
        "Salesforce",
        "Order (data export)",
        "transactions",
        ("Id", "AccountId", "EffectiveDate", "TotalAmount"),
        {"customer_id": "AccountId", "at": "EffectiveDate", "amount": "TotalAmount", "order_id": "Id"},
    ),
    Profile(
        "HubSpot",
        "Deals",
        "opportunities",
        ("Record ID", "Deal Name", "Deal Stage", "Close Date"),
        {
            "opportunity_id": "Record ID",
            "opened_at": "Create Date",
            "customer_id": "Associated Company IDs",
            "owner": "Deal owner",
            "source": "Original Source Type",
            "amount": "Amount",
            "expected_close_on": "Close Date",
            "closed_at": "Close Date",
            "stage": "Deal Stage",
        },
        HUBSPOT_STAGES,
    ),
    Profile(
        "HubSpot",
        "Companies",
        "customers",
        ("Record ID", "Company name", "Create Date"),
        {
            "customer_id": "Record ID",
            "since": "Create Date",
            "name": "Company name",
            "owner": "Company owner",
            "city": "City",
            "region": "State/Region",
            "industry": "Industry",
        },
    ),
    Profile(
        "纷享销客",
        "销售订单",
        "transactions",
        ("销售订单编号", "客户编号", "销售订单金额"),
        {"customer_id": "客户编号", "at": "下单日期", "amount": "销售订单金额", "order_id": "销售订单编号"},
    ),
    Profile(
        "纷享销客",
        "客户",
        "customers",
        ("客户编号", "客户名称", "客户级别", "创建时间"),
        {
            "customer_id": "客户编号",
            "since": "创建时间",
            "name": "客户名称",
            "owner": "负责人",
            "channel": "来源",
            "industry": "行业",
            "tier": "客户级别",
        },
    ),
    Profile(
        "纷享销客",
        "商机",
        "opportunities",
        ("商机编号", "销售阶段", "预计成交日期"),
        {
            "opportunity_id": "商机编号",
            "opened_at": "创建时间",
            "customer_id": "客户编号",
            "owner": "负责人",
            "source": "商机来源",
            "amount": "商机金额",
            "expected_close_on": "预计成交日期",
            "closed_at": "实际成交日期",
            "stage": "销售阶段",
        },
        SHARE_STAGES,
    ),
)


def profile_of(headers: list[str]) -> Profile | None:
    """The export that these headers give away, the one with the longest signature; None where none does."""
    said = {plain(h) for h in headers}
    found = [p for p in PROFILES if p.recognises(said)]
    return max(found, key=lambda p: len(p.signature), default=None)
