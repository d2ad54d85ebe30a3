import { describe, expect, it } from 'vitest'
import { type PullMessage, pullProgress, pullStarted } from '../../../../compose/engine/docker/pull-progress.ts'
import { pullTotals } from '../../../../compose/engine/pull-totals.ts'

function fractions(messages: PullMessage[]): number[] {
  let progress = pullStarted
  return messages.map((message) => {
    progress = pullProgress(progress, message)
    return Math.round(progress.fraction * 100)
  })
}

const detail = (current: number, total: number) => ({ current, total })

describe('the progress of a pull', () => {
  it('is one figure for all layers, of fetching and unpacking', () => {
    expect(
      fractions([
        { status: 'Pulling from library/redis', id: '8' },
        { status: 'Pulling fs layer', id: 'a' },
        { status: 'Already exists', id: 'b' },
        { status: 'Downloading', id: 'a', progressDetail: detail(50, 100) },
        { status: 'Download complete', id: 'a' },
        { status: 'Extracting', id: 'a', progressDetail: detail(50, 100) },
        { status: 'Pull complete', id: 'a' },
        { status: 'Digest: sha256:…' },
      ]),
    ).toEqual([0, 0, 0, 40, 80, 90, 100, 100])
  })

  it('never goes back when a layer turns out to be large', () => {
    expect(
      fractions([
        { status: 'Downloading', id: 'a', progressDetail: detail(90, 100) },
        { status: 'Downloading', id: 'b', progressDetail: detail(0, 1000) },
        { status: 'Downloading', id: 'b', progressDetail: detail(1000, 1000) },
      ]),
    ).toEqual([72, 72, 79])
  })

  it('counts layers whose size is not known yet', () => {
    expect(
      fractions([
        { status: 'Pulling fs layer', id: 'a' },
        { status: 'Pulling fs layer', id: 'b' },
        { status: 'Downloading', id: 'a', progressDetail: detail(100, 100) },
      ]),
    ).toEqual([0, 0, 40])
  })

  it('takes no notice of seconds', () => {
    const seconds = { current: 7, units: 's' }
    const messages = [
      { status: 'Downloading', id: 'a', progressDetail: detail(100, 100) },
      { status: 'Extracting', id: 'a', progressDetail: seconds },
    ]
    expect(fractions(messages)).toEqual([80, 80])
  })
})

describe('several pulls', () => {
  const layer = (total: number, downloaded = 0, extracted = 0) => ({ total, downloaded, extracted })

  it('are one figure, in which a layer that they share counts once', () => {
    const one = { fraction: 0, layers: { shared: layer(100, 100, 100), own: layer(100) } }
    // The engine tells this one only that the shared layer is on its way.
    const two = { fraction: 0, layers: { shared: layer(0), other: layer(200, 100) } }
    const totals = pullTotals([one, two])
    expect(totals).toMatchObject({ downloaded: 200, total: 400, waiting: 0 })
    expect(totals.fraction).toBeCloseTo((100 + 0 + 80) / 400)
  })

  it('wait for layers whose size is not known, and never go back', () => {
    const half = { fraction: 0.5, layers: { a: layer(100, 100, 100), b: layer(0) } }
    expect(pullTotals([half])).toEqual({ fraction: 0.5, downloaded: 100, total: 100, waiting: 1 })
    expect(pullTotals([half], 0.7).fraction).toBe(0.7)
  })
})
