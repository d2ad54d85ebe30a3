import { describe, expect, it } from 'vitest'
import { maskUrl } from '../../src/url.ts'

describe('an address without its password', () => {
  it.each([
    ['redis://:secret@host/0', 'redis://:**@host/0'],
    ['amqp://celery:secret@host//', 'amqp://celery:**@host//'],
    ['amqp://a:one@h;amqp://b:two@i', 'amqp://a:**@h;amqp://b:**@i'],
    ['redis://host:6379/0', 'redis://host:6379/0'],
    ['redis://:pa ss@host/0', 'redis://:**@host/0'],
    ['redis://:p@ss/w:o#rd@host/0', 'redis://:**@host/0'],
    ['redis://:two\nlines@host/0', 'redis://:**@host/0'],
    ['redis://host/0?password=one&ssl_cert_reqs=none', 'redis://host/0?password=**&ssl_cert_reqs=none'],
    [
      'redis://:a@h/0?x=1;db+postgresql://u:b@i/d?sslpassword=c',
      'redis://:**@h/0?x=1;db+postgresql://u:**@i/d?sslpassword=**',
    ],
    ['cannot reach redis://:secret@host/0 from celery@box', 'cannot reach redis://:**@host/0 from celery@box'],
  ])('%j is %j', (text, masked) => expect(maskUrl(text)).toBe(masked))
})
