"""The Celery app of the Python peer; task names are those of the recordings in test/wire."""

import json
import os
import time

from celery import Celery

app = Celery('tasks', broker=os.environ['CELERY_BROKER_URL'], backend=os.environ.get('CELERY_RESULT_BACKEND'))
app.conf.update(json.loads(os.environ.get('CELERY_SETTINGS', '{}')))


class CustomError(Exception):
    """An error whose type no other peer knows."""


@app.task
def add(x, y):
    return x + y


@app.task
def mul(x, y):
    return x * y


@app.task
def xsum(numbers):
    return sum(numbers)


@app.task
def echo(*args, **kwargs):
    return {'args': args, 'kwargs': kwargs}


@app.task(bind=True)
def echo_request(self, *args, **kwargs):
    """All that the worker knows of the call; headers of the caller's own stand among the others."""
    return {name: value for name, value in vars(self.request).items() if not name.startswith('_')}


@app.task
def boom(msg='boom'):
    raise ValueError(msg)


@app.task
def custom_boom():
    raise CustomError('a', 2)


@app.task(bind=True)
def flaky(self, result, failures=1):
    """Fails and retries itself so many times before it gives its result."""
    if self.request.retries < failures:
        raise self.retry(exc=KeyError('not yet'), countdown=0.2)
    return result


@app.task(bind=True)
def progress(self, steps):
    for step in range(steps):
        self.update_state(state='PROGRESS', meta={'current': step, 'total': steps})
        time.sleep(0.1)
    return steps


@app.task
def slow(seconds):
    time.sleep(seconds)
    return seconds


@app.task(soft_time_limit=1)
def limited(seconds):
    time.sleep(seconds)
    return seconds


@app.task(time_limit=1)
def hard(seconds):
    time.sleep(seconds)
    return seconds


@app.task(bind=True)
def replace(self, x):
    raise self.replace(add.s(x, 100))
