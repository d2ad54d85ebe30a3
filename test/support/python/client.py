"""Runs Python for a test: a line of JSON in, `{"source": …}`; a line out, `{"value": …}` or `{"error": …}`."""

import ast
import json
import sys
import traceback

from celery import chain, chord, chunks, group, signature  # noqa: F401 (for the snippets)
from celery.result import AsyncResult, GroupResult  # noqa: F401

from tasks import *  # noqa: F403
from tasks import app  # noqa: F401

# What snippets print must not mix with the answers.
answers, sys.stdout = sys.stdout, sys.stderr


def run(source):
    """Runs the statements and gives the value of the last, if it is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, '<test>', 'exec'), globals())
    return eval(compile(ast.Expression(last.value), '<test>', 'eval'), globals()) if last else None


for line in sys.stdin:
    try:
        answer = {'value': run(json.loads(line)['source'])}
    except BaseException as error:
        answer = {'error': {'type': type(error).__name__, 'message': str(error), 'traceback': traceback.format_exc()}}
    print(json.dumps(answer, default=repr), file=answers, flush=True)
