import pytest

from crm_lib.runner.evidence.lint import MOST_BYTES, POLICY, problems


def page(body="", head=""):
    return (
        f'<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>t</title>{head}</head><body><h1>Q</h1>{body}</body></html>"
    )


def test_a_plain_page_may_be_shown():
    body = '<p>See http://example.org in print.</p><a href="#x">x</a><a href="../2026-09-30/clv.html">y</a>'
    picture = '<img alt="" src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="><p style="color: red">z</p>'
    assert problems(page(body + picture, "<style>p { background: url(data:image/png;base64,AA) }</style>")) == []


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<SCRIPT src=x></SCRIPT>",
        "<p onclick=alert(1)>x</p>",
        "<svg onload=alert(1)></svg>",
        '<img src="https://example.org/a.png">',
        '<img src="//example.org/a.png">',
        '<img src="pixel.png">',
        '<a href="https://example.org">x</a>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<picture><source srcset="data:image/png;base64,AA 1x, https://example.org/b.png 2x"></picture>',
        '<img src="data:text/html;base64,AA">',
        "<form action=x></form>",
        "<iframe></iframe>",
        "<object data=x></object>",
        '<base href="x">',
        '<link rel="stylesheet" href="x.css">',
        '<meta http-equiv="refresh" content="0;url=x">',
        "<style>@import 'x.css';</style>",
        "<style>p { background: url(https://example.org/x) }</style>",
        "<style>p { background: \\75rl( 'https://example.org/x') }</style>",
        '<p style="background: url(https://example.org/x)">x</p>',
        "<h1>second</h1>",
    ],
)
def test_what_reaches_out_or_runs_is_named(body):
    assert len(problems(page(body))) >= 1


def test_a_page_without_the_policy_may_not_be_shown():
    assert problems("<h1>x</h1>") == ["the content security policy is missing"]


def test_a_weaker_policy_counts_as_none():
    weak = page().replace("img-src data:", "img-src *")
    assert "the content security policy is missing" in problems(weak)


def test_a_page_over_the_budget_may_not_be_shown():
    (problem,) = problems(page("x" * MOST_BYTES))
    assert problem == "it is 1.5 MB large, and 1.5 MB is the most"
