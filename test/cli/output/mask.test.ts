import { expect, it } from 'vitest'
import { createMask } from '../../../cli/output/mask.ts'

it('hides a value in every form in which it is written', () => {
  const mask = createMask(['p"s/w?rd', 'p"s/w?rd and more'])
  expect(mask('plain p"s/w?rd here')).toBe('plain ** here')
  expect(mask('all of p"s/w?rd and more')).toBe('all of **')
  expect(mask(JSON.stringify({ x: 'p"s/w?rd' }))).toBe('{"x":"**"}')
  expect(mask(`?x=${encodeURIComponent('p"s/w?rd')}`)).toBe('?x=**')
  expect(mask(`Basic ${Buffer.from('p"s/w?rd').toString('base64')}`)).not.toContain('cCJzL3')
})

it('hides what looks like a secret without being told', () => {
  const mask = createMask([])
  expect(mask('connecting to redis://me:hunter2@host:6379/0 …')).toBe('connecting to redis://me:**@host:6379/0 …')
  expect(mask('password=hunter2 user=me')).toBe('password=** user=me')
  expect(mask('"api_key": "abc"')).toBe('"api_key": "**"')
  expect(mask('nothing to hide')).toBe('nothing to hide')
})

it('leaves files of secrets and the names of sections alone', () => {
  const yaml = 'secrets:\n  token:\n    file: /x\nPASSWORD__FILE: /run/secrets/password\nsource: db_password\n'
  expect(createMask([])(yaml)).toBe(yaml)
  expect(createMask([])('SECRET_KEY: abc')).toBe('SECRET_KEY: **')
})
