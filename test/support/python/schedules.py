"""Asks Celery's own schedules: a JSON list of questions in, a list of answers out."""

import json
import sys
from datetime import datetime, timedelta, timezone

from celery import Celery
from celery.schedules import crontab, schedule, solar
from celery.utils.time import remaining

apps = {}


def app_in(name):
    if name not in apps:
        apps[name] = Celery(broker='memory://', set_as_current=False)
        apps[name].conf.update(enable_utc=True, timezone=name)
    return apps[name]


def at(milliseconds, tz):
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
    return moment.astimezone(tz)


class LocalCrontab(crontab):
    """As Celery has it since 5.3: a date without a zone is one of the schedule's own."""

    def maybe_make_aware(self, dt, naive_as_utc=True):
        if dt.tzinfo is not None:
            return dt
        return self.tz.localize(dt) if hasattr(self.tz, 'localize') else dt.replace(tzinfo=self.tz)


def ask_crontab(question, app, last, now):
    spec = LocalCrontab(**question['crontab'], nowfun=lambda: now, app=app)
    fields = [sorted(each) for each in (spec.minute, spec.hour, spec.day_of_week, spec.day_of_month, spec.month_of_year)]
    try:
        start, delta, end = spec.remaining_delta(last)
        due, after = spec.is_due(last)
    except RuntimeError as error:
        return {'fields': fields, 'error': str(error)}
    return {
        'fields': fields,
        'reading': (start + delta).replace(tzinfo=timezone.utc).timestamp() * 1000,
        'remaining': remaining(start, delta, end).total_seconds(),
        'due': due,
        'next': after,
    }


def ask_interval(question, app, last, now):
    every = schedule(timedelta(seconds=question['every']), question['relative'], nowfun=lambda: now, app=app)
    due, after = every.is_due(last)
    return {'due': due, 'next': after, 'remaining': every.remaining_estimate(last).total_seconds()}


def ask_solar(question, app, last, now):
    sun = solar(question['event'], question['lat'], question['lon'], nowfun=lambda: now, app=app)
    if sun.event == 'dusk_astronomical':
        sun.cal.horizon = '-18'  # as later versions have it
    return {'remaining': sun.remaining_estimate(last).total_seconds()}


def ask(question):
    app = app_in(question['timezone'])
    last, now = at(question['last'], app.timezone), at(question['now'], app.timezone)
    how = {'crontab': ask_crontab, 'interval': ask_interval, 'solar': ask_solar}[question['kind']]
    return how(question, app, last, now)


json.dump([ask(question) for question in json.load(sys.stdin)], sys.stdout)
