"""The data sets that come with the project: what they are, whose, and facts to check them by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """A data set in `data/`: its source in crm.toml, contents, rows, default as-of day, licence and facts."""

    source: str
    what: str
    rows: str
    as_of: str
    licence: str
    origin: str
    facts: tuple[str, ...]


SAMPLE = Dataset(
    "sample",
    'the invented company "Xudong", a seller of integrated stoves',
    "14 tables",
    "2026-10-31",
    "made by this project",
    "Written by `crm sample` from one seed. The numbers it was generated with stand in `sample/truth.json`, "
    "so that each estimate can be compared with the truth.",
    (
        "About 5,000 customers and three years of sales through stores, web shop and partners, with leads, deals, "
        "campaigns, costs, surveys, complaints, targets and market figures.",
        "Some names hold hostile text (markup, formulas, quotes, right-to-left text, emoji) on purpose: "
        "pages must show it as text.",
        "Customers who are worth less answer surveys less often, and some campaigns have a randomised hold-out.",
    ),
)

CDNOW = Dataset(
    "cdnow",
    "CDNOW purchases, the 1/10 sample used by the papers",
    "6,919",
    "1998-06-30",
    "published by Fader and Hardie for research and teaching; carried by MIT-licensed lifetimes",
    "Customers of the music shop CDNOW who first bought in the first quarter of 1997, followed to 1998-06-30. "
    "Used in Fader, Hardie & Lee, *Counting Your Customers the Easy Way* (Marketing Science, 2005).",
    (
        "No header, columns apart by blanks: id in the full data, id in the sample (1 to 2357, kept as text with "
        "leading zeros), day, number of CDs, dollars.",
        "2,357 customers, 6,696 customer-days, 244,091.94 dollars.",
        "Calibration to 1997-09-30 in weeks, purchases of a day merged: 946 repeat buyers, 2,457 repeat "
        "purchases. The 39 weeks after hold 1,882 purchases by 684 customers.",
        "There is no table of customers. Days that cost 0 count as orders.",
    ),
)

CDNOW_FULL = Dataset(
    "cdnow_full",
    "CDNOW purchases, all customers",
    "69,659",
    "1998-06-30",
    "published by Fader and Hardie for research and teaching; carried by MIT-licensed lifetimes",
    "All customers of the music shop CDNOW who first bought in the first quarter of 1997, followed to 1998-06-30; "
    "`cdnow` is every tenth of them.",
    (
        "Packed with gzip. One header line, columns apart by blanks: id (5 digits, kept as text with leading "
        "zeros), day, number of CDs, dollars.",
        "23,570 customers, 2,500,315.63 dollars. The top fifth (4,714 customers) hold 67.777 % of it.",
        "255 rows are full duplicates of another row. They are real and stay; 80 rows cost 0.",
    ),
)

PIPELINE = Dataset(
    "pipeline",
    "CRM sales opportunities of an invented seller of hardware",
    "8,800",
    "2017-12-31",
    "public domain, as listed by Maven Analytics",
    "Maven Analytics, *CRM Sales Opportunities*: one state of the pipeline, without stage history.",
    (
        "Won 4,238, lost 2,473, engaging 1,589, prospecting 500 (these have no day of opening yet). Won value "
        "10,005,534 dollars; the value of a lost deal is 0, and an open deal has none.",
        "`stage` holds their `deal_stage`, so `Won` and `Lost` occur in it beside the two stages of the funnel.",
        "`region` of a deal is the regional office of its agent, looked up in `sales_teams.csv`.",
        "No deal closes before 2017-03-01, so the win rate of the first quarter is not comparable.",
        'The product "GTXPro" (1,480 rows) is "GTX Pro" in the list of products; the account is missing in 1,425 '
        "rows. Both are original, and so is the spelling of sectors and countries.",
        "The last day with a close is 2017-12-31; every open deal is as old as it was then.",
    ),
)

MOBI = Dataset(
    "mobi",
    "customer satisfaction survey of a mobile-phone operator (ECSI model)",
    "250",
    "2005-01-01",
    "published with the paper; carried by open-source statistics packages",
    "Tenenhaus, Esposito Vinzi, Chatelin & Lauro, *PLS path modeling* (Computational Statistics & Data "
    "Analysis, 2005). 250 people, 24 items on a scale from 1 to 10.",
    (
        "The file has no dates and no ids: **2005-01-01** stands for every day asked and answered, and ids "
        "are made from the row number (R1, R2 …).",
        "`csat` is CUSA1 (overall satisfaction): mean 7.988, standard deviation 1.234.",
        "`nps` is CUSL3 (would recommend). The scale starts at 1, not 0, so a Net Promoter Score from it is "
        "NPS-style only: 95 promoters, 95 passives, 60 detractors, +14.0.",
        "Only overall quality was asked both as expected (CUEX1) and as perceived (PERQ1); the other aspects are "
        "single scores (PERQ2–7, PERV1–2, CUSCO, CUSA2–3, IMAG1–5). CUEX2–3 and CUSL1–2 are not used.",
    ),
)

TEXTBOOK = Dataset(
    "textbook",
    "a weighted RFM table printed in a textbook on CRM",
    "100",
    "2008-12-31",
    "facts",
    "One hundred customers already summed up, with the printed grades and scores to compare with. The print "
    "names no day; the default as_of is arbitrary and changes nothing.",
    (
        "Amounts are printed in 10,000 yuan and read in yuan.",
        "Weighted score = 0.08 R + 0.27 F + 0.65 M in all 100 rows.",
        "All 300 grades follow one rule: cut points lie between distinct values, so that ties stay together; "
        "the k-th cut is where the cumulative count is nearest to k·n/5, and of two equally near the higher.",
        "`printed_r`, `printed_f`, `printed_m` and `printed_weighted` are what the print says.",
        "The print ran the digits of its columns together; the decoding is the only one in which every "
        "customer from 1 to 100 occurs once and grades are monotone. Customers 70 and 98 were set to 15 and "
        "16 days and 10 orders.",
    ),
)

HILLSTROM = Dataset(
    "hillstrom",
    "an e-mail test in three random arms",
    "64,000",
    "2008-03-20",
    "published in 2008 for open use",
    "Kevin Hillstrom, *MineThatData E-Mail Analytics And Data Mining Challenge* (2008): customers of an internet "
    "shop who got an e-mail with goods for men, one with goods for women, or none, and what they did in the two "
    "weeks after.",
    (
        "Packed with gzip. The file has no dates and no ids: **2008-03-20**, the day of its publication, "
        "stands for "
        "the day of assignment, and customer ids are made from the row number.",
        "Men's e-mail 21,307, women's 21,387, none 21,306. Visits 18.2757, 15.1400 and 10.6167 %; bought 1.2531, "
        "0.8837 and 0.5726 %; mean spend 1.422617, 1.077202 and 0.652789 dollars.",
        "6,562 rows are exact duplicates of another row. They are different people and stay.",
        "`prior_amount` is their `history`, what the customer spent in the year before. `campaigns.csv` (one "
        "row) is "
        "ours: it gives the test a name. What it cost is not known.",
    ),
)

DATASETS = (SAMPLE, CDNOW, CDNOW_FULL, PIPELINE, MOBI, TEXTBOOK, HILLSTROM)
