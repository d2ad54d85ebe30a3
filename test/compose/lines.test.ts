import { describe, expect, it } from 'vitest'
import { LineSplitter, longestLine } from '../../compose/lines.ts'

const bytes = (text: string) => Buffer.from(text)

describe('lines', () => {
  it('are put together from pieces, with the time of their first', () => {
    const splitter = new LineSplitter()
    expect(splitter.push(bytes('one\ntw'), 't1')).toEqual([{ time: 't1', text: 'one' }])
    expect(splitter.push(bytes('o\nthree\n\n'), 't2')).toEqual([
      { time: 't1', text: 'two' },
      { time: 't2', text: 'three' },
      { time: 't2', text: '' },
    ])
    expect(splitter.push(bytes('rest'), 't3')).toEqual([])
    expect(splitter.end()).toEqual([{ time: 't3', text: 'rest' }])
    expect(splitter.end()).toEqual([])
  })

  it('survive a character cut in two', () => {
    const splitter = new LineSplitter()
    const snowman = bytes('☃\n')
    expect(splitter.push(snowman.subarray(0, 1), 't')).toEqual([])
    expect(splitter.push(snowman.subarray(1), 't')).toEqual([{ time: 't', text: '☃' }])
  })

  it('are what a progress bar last showed', () => {
    const splitter = new LineSplitter()
    expect(splitter.push(bytes('10%\r50%\r100%\r\n\x1b[31mred\x1b[0m\r\n'), 't')).toEqual([
      { time: 't', text: '100%' },
      { time: 't', text: '\x1b[31mred\x1b[0m' },
    ])
  })

  it('are cut when they do not end', () => {
    const splitter = new LineSplitter()
    const lines = splitter.push(bytes('x'.repeat(longestLine * 2 + 5)), 't')
    expect(lines.map(({ text }) => text.length)).toEqual([longestLine, longestLine])
    expect(splitter.push(bytes('\n'), 't')).toEqual([{ time: 't', text: 'xxxxx' }])
    expect(splitter.push(bytes(`${'y'.repeat(longestLine + 1)}\n`), 't').map(({ text }) => text.length)).toEqual([
      longestLine,
      1,
    ])
  })
})
