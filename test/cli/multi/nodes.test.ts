import { describe, expect, it } from 'vitest'
import { nodesOf } from '../../../cli/multi/node.ts'
import { readWords } from '../../../cli/multi/words.ts'
import { hostName } from '../../../src/nodename.ts'

const nodes = (words: string) => nodesOf(readWords(words.split(' ')), { command: ['node', 'cs'], cwd: '/srv' })

/** What each node gets beside its name and its files. */
const options = (words: string) =>
  nodes(`${words} -n h --pidfile=p --logfile=l`).map(({ argv }) =>
    argv
      .slice(4)
      .filter((word, at, all) => !/^(--pidfile=p|--logfile=l|-n)$/.test(word) && all[at - 1] !== '-n')
      .join(' '),
  )

describe('the nodes of multi', () => {
  it.each([
    ['3', ['celery1', 'celery2', 'celery3']],
    ['2 --range-prefix=w', ['w1', 'w2']],
    ['images mails --prefix=shop-', ['shop-images', 'shop-mails']],
  ])('of %s have their names on this host', (words, names) => {
    expect(nodes(words).map(({ name }) => name)).toEqual(names.map((name) => `${name}@${hostName()}`))
  })

  it.each([
    ['1 --hostname=web.example.com', ['celery1@web.example.com']],
    ['1 -n web', ['celery1@web']],
    ['a --hostname=web --suffix=db', ['a@db']],
    ['a@x b@%h', ['a@x', `b@${hostName()}`]],
  ])('of %s are on the host that is named', (words, names) => {
    expect(nodes(words).map(({ name }) => name)).toEqual(names)
  })

  it.each([
    ['3 -c 3 -c:1 10', ['-c 10', '-c 3', '-c 3']],
    ['5 -c 3 -c:1-3 10', ['-c 10', '-c 10', '-c 10', '-c 3', '-c 3']],
    ['4 -Q:1,3-4 data -Q celery', ['-Q data', '-Q celery', '-Q data', '-Q data']],
    ['foo bar -c:2 4 -E', ['-E', '-E -c 4']],
    ['foo bar -c:foo,bar 9', ['-c 9', '-c 9']],
    ['web-1 -c:web-1 9', ['-c 9']],
    ['foo@x bar -c:foo@x 2 -c:bar 3', ['-c 2', '-c 3']],
    ['1 --time-limit=5 --time-limit:1=9', ['--time-limit=9']],
    ['2 --workdir=/srv/%n', ['--workdir=/srv/celery1', '--workdir=/srv/celery2']],
    ['1 --append=-x%n', ['-xcelery1']],
  ])('of %s have their options', (words, expected) => {
    expect(options(words)).toEqual(expected)
  })

  it('hand on what follows two dashes, as it is', () => {
    expect(nodes('2 -E -- -x %n').map(({ argv }) => argv.slice(-3))).toEqual([
      ['--', '-x', '%n'],
      ['--', '-x', '%n'],
    ])
  })

  it('have files of their own, in Celery’s places or in others', () => {
    const [node] = nodes('1 -n h')
    expect(node).toMatchObject({ pidfile: '/var/run/celery/celery1.pid', logfile: '/var/log/celery/celery1.log' })
    expect(node?.argv).toContain('--logfile=/var/log/celery/celery1%I.log')
    const [other] = nodes('mails@h --workdir=app -f %n%I.log --pidfile=/run/%d/%n.pid')
    expect(other).toMatchObject({ pidfile: '/run/h/mails.pid', logfile: '/srv/app/mails.log' })
  })

  it('run by another program when it is named', () => {
    const [node] = nodes('1 -n h --executable=/opt/node --cmd=worker')
    expect(node?.argv.slice(0, 4)).toEqual(['/opt/node', 'cs', 'worker', '-n'])
  })

  it.each([
    ['3 -c:0 1', "places of nodes begin at 1, got '0'"],
    ['2 -c:3 1', "there is no node at place '3'"],
    ['a b -c:3 1', "there is no node at place '3'"],
    ['2 --pidfile /run/%n.pid', "'/run/%n.pid' is no name of a node"],
    ['1 --pidfile', '--pidfile needs a value'],
    ['1 --pidfile=%z', "nothing is known for %z in '%z'"],
  ])('cannot be %s', (words, message) => {
    expect(() => nodes(words)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) }),
    )
  })
})
