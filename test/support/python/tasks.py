"""The Celery app of the Python peer; task names are those of the recordings in test/wire."""

import json
import os
import time

from celery import Celery, chain, chord, group

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


@app.task
def same(value):
    return value


@app.task(bind=True)
def echo_request(self, *args, **kwargs):
    """All that the worker knows of the call; headers of the caller's own stand among the others."""
    return {name: value for name, value in vars(self.request).items() if not name.startswith('_')}


@app.task(bind=True)
def priority(self):
    return self.request.delivery_info['priority']


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


@app.task(bind=True)
def own_id(self):
    return self.request.id


@app.task
def tell(task_id):
    """Hands over what it was told, to a peer that keeps notes."""
    app.send_task('tasks.note', (task_id, 'tell'), queue='ts')


@app.task
def rescue(request, error, traceback):
    """As Celery has it, a callback with several parameters is called in place."""
    app.send_task('tasks.note', (request.id, str(error)), queue='ts')


def plus(x, y):
    """By the worker that runs the caller."""
    return add.s(x, y).set(queue='py')


@app.task(bind=True)
def replaced(self, x):
    raise self.replace(plus(x, 100))


@app.task(bind=True)
def replaced_by_chain(self, x):
    raise self.replace(chain(plus(x, 1), add.s(6).set(queue='py')))


@app.task(bind=True)
def replaced_by_group(self, x):
    raise self.replace(group(plus(x, 1), plus(x, 1)))


@app.task(bind=True)
def replaced_by_chord(self, x):
    raise self.replace(chord([plus(x, 1), plus(x, 2)], xsum.s().set(queue='py')))


@app.task(bind=True)
def joined(self, x):
    self.add_to_chord(plus(x, 101))
    return x
