"""Three rules of England once more, in SQL by hand, over the tables of the dataset in DuckDB.

As somebody would write them who has a reporting database and an afternoon: no doubt, no window, no explanation, no
memory of what was told. Where every cell is filled and readable they find what alertd finds, and that is looked at
before anything is timed.
"""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import duckdb

from alertd.calendars.calendar import Calendar

Found = Counter[tuple[str, str, str, date]]
"""How often a (rule, child, stage, due date) was found."""

_TABLES = {
    "ssd_person": ("pers_person_id", "pers_dob:date", "pers_expected_dob:date", "pers_death_date:date"),
    "ssd_cin_episodes": (
        "cine_referral_id", "cine_person_id", "cine_referral_date:date", "cine_close_date:date", "cine_referral_nfa",
    ),
    "ssd_cin_assessments": ("cina_person_id", "cina_referral_id", "cina_assessment_auth_date:date"),
    "ssd_legal_status": (
        "lega_person_id", "lega_legal_status", "lega_legal_status_start_date:date", "lega_legal_status_end_date:date",
    ),
    "ssd_cla_episodes": (
        "clae_cla_id", "clae_person_id", "clae_entered_care_date:date", "clae_cla_episode_ceased_date:date",
    ),
    "ssd_cla_reviews": (
        "clar_cla_person_id", "clar_cla_review_date:date", "clar_cla_review_due_date:date",
        "clar_cla_review_cancelled",
    ),
    "ssd_cp_plans": ("cppl_cp_plan_id", "cppl_person_id", "cppl_cp_plan_start_date:date",
                     "cppl_cp_plan_end_date:date", "cppl_cp_plan_ola"),
    "ssd_cp_visits": ("cppv_person_id", "cppv_cp_visit_date:date", "cppv_cp_visit_seen"),
}  # fmt: skip
"""The tables and columns that the three rules look at."""

# Statutory guidance of 2023, chapter 3: 45 working days from the referral to an assessment that a manager authorised.
_ASSESSMENT = """
with referral as (
    select cine_referral_id as id, cine_person_id as child, cine_referral_date as start,
           least(cine_close_date, pers_death_date) as ended
    from ssd_cin_episodes left join ssd_person on pers_person_id = cine_person_id
    where cine_referral_nfa = 'N' and cine_referral_date between date '2013-04-15' and $today
), clock as (
    select referral.child, start, any_value(if(ended <= $today, ended, null)) as ended,
           min(cina_assessment_auth_date) as met
    from referral left join ssd_cin_assessments on cina_referral_id = id and cina_person_id = referral.child
     and cina_assessment_auth_date between start and least(ended, $today)
    group by referral.id, referral.child, start
)
select 'assess.cfa', child,
       case when met <= due.day then 'met' when met is not null then 'met_late' when ended is not null then 'ended'
            when due.day < $today then 'overdue' when due.day = $today then 'due'
            when warn.day <= $today then 'upcoming' else 'running' end,
       due.day
from clock
join passed on passed.day = start
join working as due on due.n = passed.n + 45
join working as warn on warn.n = passed.n + 10
"""

# The Care Planning, Placement and Case Review (England) Regulations 2010, reg 33(2): six months from the last review,
# from the second on. Series of short breaks (legal status V3, V4) have rules of their own.
_REVIEW = """
with period as (
    select clae_cla_id as id, clae_person_id as child, min(clae_entered_care_date) as start,
           if(count(*) = count(clae_cla_episode_ceased_date), max(clae_cla_episode_ceased_date), null) as ended
    from ssd_cla_episodes group by all
), breaks as (
    select period.id from period join ssd_legal_status on lega_person_id = child
     and greatest(lega_legal_status_start_date, start)
         < least(coalesce(lega_legal_status_end_date, date '9999-12-31'), coalesce(ended, date '9999-12-31'))
    group by all having bool_and(lega_legal_status in ('V3', 'V4'))
), care as (
    select period.id, child, start, if(least(ended, pers_death_date) <= $today, least(ended, pers_death_date), null)
           as ended
    from period left join ssd_person on pers_person_id = child where period.id not in (from breaks)
), held as (
    select distinct id, child, start, ended, clar_cla_review_date as day
    from care join ssd_cla_reviews on clar_cla_person_id = child
     and clar_cla_review_date between start and coalesce(ended, $today) and clar_cla_review_date <= $today
     and coalesce(clar_cla_review_cancelled, 'N') <> 'Y'
), chain as (
    select *, row_number() over each_period as nth, lead(day) over each_period as met
    from held window each_period as (partition by id, child order by day)
), booked as (
    select chain.id, chain.child, chain.day,
           coalesce(min(if(clar_cla_review_due_date >= $today, clar_cla_review_due_date, null)),
                    max(clar_cla_review_due_date)) as plan
    from chain join ssd_cla_reviews on clar_cla_person_id = chain.child and met is null
     and clar_cla_review_date is null and clar_cla_review_due_date > day
     and clar_cla_review_due_date <= coalesce(ended, date '9999-12-31')
     and coalesce(clar_cla_review_cancelled, 'N') <> 'Y'
    group by all
), clock as (
    select chain.child, met, ended, least(cast(chain.day + interval 6 month as date), plan) as due
    from chain left join booked using (id, child, day)
    where nth >= 2 and chain.day >= date '2011-04-01'
)
select 'cla.review.next', child,
       case when met <= due then 'met' when met is not null then 'met_late' when ended is not null then 'ended'
            when due < $today then 'overdue' when due = $today then 'due'
            when due - 56 <= $today then 'upcoming' else 'running' end,
       due
from clock
"""

# The interval is the authority's own; ten working days here.
_VISIT = """
with plan as (
    select cppl_cp_plan_id as id, cppl_person_id as child, cppl_cp_plan_start_date as start, pers_dob as born,
           if(least(cppl_cp_plan_end_date, pers_death_date) <= $today,
              least(cppl_cp_plan_end_date, pers_death_date), null) as ended
    from ssd_cp_plans join ssd_person on pers_person_id = cppl_person_id
    where cppl_cp_plan_ola = 'N' and cppl_cp_plan_start_date <= $today
), seen as (
    select distinct id, child, born, start, ended, cppv_cp_visit_date as day
    from plan join ssd_cp_visits on cppv_person_id = child and cppv_cp_visit_seen = 'Y'
     and cppv_cp_visit_date between start and coalesce(ended, $today) and cppv_cp_visit_date <= $today
), begun as (
    select id, child, born, start, ended, start as begin, 0 as nth from plan
    union all
    select id, child, born, start, ended, day, row_number() over (partition by id, child order by day) from seen
), chain as (
    select *, lead(begin) over (partition by id, child order by nth) as met from begun
)
select 'cp.visit', child,
       case when met <= due.day then 'met' when met is not null then 'met_late' when ended is not null then 'ended'
            when due.day < $today then 'overdue' when due.day = $today then 'due'
            when warn.day <= $today then 'upcoming' else 'running' end,
       due.day
from chain
join passed on passed.day = begin
join working as due on due.n = passed.n + 10
join working as warn on warn.n = due.n - 3
where born <= begin
"""

STATEMENTS = (_ASSESSMENT, _REVIEW, _VISIT)


def loaded(database: Path, calendar: Calendar, today: date) -> duckdb.DuckDBPyConnection:
    """DuckDB with the tables in memory, typed; and of each day how many working days have passed up to it."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    with closing(sqlite3.connect(database)) as source:
        for table, columns in _TABLES.items():
            named = [c.partition(":") for c in columns]
            file = database.with_suffix(f".{table}.csv")
            with file.open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out)
                writer.writerow([name for name, *_ in named])
                writer.writerows(source.execute(f"select {', '.join(name for name, *_ in named)} from {table}"))
            typed = ", ".join(f"cast({name} as timestamp)::date as {name}" if kind else name for name, _, kind in named)
            connection.execute(f"create table {table} as select {typed} from read_csv('{file}', all_varchar = true)")
            file.unlink()
    passed, working = _days(calendar, today)
    for table, days in (("passed", passed), ("working", working)):
        rows = {"days": list(days), "numbers": list(days.values())}
        connection.execute(f"create table {table} as select unnest($days) as day, unnest($numbers) as n", rows)
    return connection


def _days(calendar: Calendar, today: date) -> tuple[dict[date, int], dict[date, int]]:
    """How many working days have passed up to each day, and that of the working days alone."""
    first, last, n = today.replace(year=today.year - 12), today.replace(year=today.year + 2), 0
    passed, working = {}, {}
    for day in (first + timedelta(k) for k in range((last - first).days)):
        if calendar.is_working(day):
            n += 1
            working[day] = n
        passed[day] = n
    return passed, working


def by_sql(connection: duckdb.DuckDBPyConnection, today: date) -> Found:
    """What the three statements find."""
    found: Found = Counter()
    for statement in STATEMENTS:
        found.update(connection.execute(statement, {"today": today}).fetchall())
    return found
