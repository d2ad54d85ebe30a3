import { describe, expect, it } from 'vitest'
import { RedisError } from '../../../src/embedded/redis-error.ts'
import {
  double,
  encode,
  nullArray,
  ok,
  pairs,
  push,
  type Reply,
  sequence,
  verbatim,
} from '../../../src/embedded/reply.ts'

describe('a reply', () => {
  const forms: [what: string, reply: Reply, resp2: string, resp3: string][] = [
    ['a string', 'a\r\n\xff', '$4\r\na\r\n\xff\r\n', '$4\r\na\r\n\xff\r\n'],
    ['an empty string', '', '$0\r\n\r\n', '$0\r\n\r\n'],
    ['a status', ok, '+OK\r\n', '+OK\r\n'],
    ['an error, on one line', new RedisError('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
    ['a number', -7, ':-7\r\n', ':-7\r\n'],
    ['a large number', 2n ** 63n - 1n, ':9223372036854775807\r\n', ':9223372036854775807\r\n'],
    ['a fraction', double(0.1), '$3\r\n0.1\r\n', ',0.1\r\n'],
    ['infinity', double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
    ['negative zero', double(-0), '$2\r\n-0\r\n', ',-0\r\n'],
    ['a missing string', null, '$-1\r\n', '_\r\n'],
    ['a missing list', nullArray, '*-1\r\n', '_\r\n'],
    ['a list', ['a', [1, null]], '*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n', '*2\r\n$1\r\na\r\n*2\r\n:1\r\n_\r\n'],
    ['a map', new Map([['a', 1]]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
    ['a set', new Set(['a']), '*1\r\n$1\r\na\r\n', '~1\r\n$1\r\na\r\n'],
    ['pairs', pairs([['a', double(1)]]), '*2\r\n$1\r\na\r\n$1\r\n1\r\n', '*1\r\n*2\r\n$1\r\na\r\n,1\r\n'],
    ['a push', push('message', 'c'), '*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n', '>2\r\n$7\r\nmessage\r\n$1\r\nc\r\n'],
    ['text for people', verbatim('hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
    ['several replies', sequence([1, 2]), ':1\r\n:2\r\n', ':1\r\n:2\r\n'],
  ]
  for (const [what, reply, resp2, resp3] of forms) {
    it(`writes ${what}`, () => {
      expect([encode(reply, 2), encode(reply, 3)]).toEqual([resp2, resp3])
    })
  }
})
