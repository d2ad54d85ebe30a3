import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { holdingProcess } from '../../../compose/execute/port-holder.ts'
import {
  canListen,
  choosePorts,
  freePort,
  type PortRules,
  rememberedPorts,
  type Wish,
  wishKey,
} from '../../../compose/execute/ports.ts'
import type { PortConfig } from '../../../compose/file/model.ts'

function wish(published: string | undefined, change: Partial<PortConfig> = {}, container = 'shop-redis-1'): Wish {
  const config: PortConfig = {
    target: 6379,
    protocol: 'tcp',
    mode: 'ingress',
    host_ip: '127.0.0.1',
    ...(published !== undefined && { published }),
    ...change,
  }
  return { service: 'redis', container, config }
}

const held = (port: number, host = '127.0.0.1') => ({
  host,
  port,
  target: 6379,
  protocol: 'tcp',
  container: 'other-redis-1',
  project: 'other',
})

function rules(change: Partial<PortRules> & { busy?: number[] } = {}): PortRules {
  const { busy = [], ...rest } = change
  return {
    held: [],
    leaving: [],
    sticky: {},
    isFree: async (port) => !busy.includes(port),
    anyFree: async () => 40000,
    refused: new Set(),
    ...rest,
  }
}

async function chosen(wishes: Wish[], given: PortRules): Promise<(number | undefined)[]> {
  return (await choosePorts(wishes, given)).map(({ port }) => port)
}

describe('a host port', () => {
  it('is the one asked for when it is free', async () => {
    expect(await choosePorts([wish('6379')], rules())).toMatchObject([
      { port: 6379, host: '127.0.0.1', movedFrom: undefined },
    ])
  })

  it('moves to the next free one when a program or a container has it', async () => {
    expect(await choosePorts([wish('6379')], rules({ busy: [6379, 6380] }))).toMatchObject([
      { port: 6381, movedFrom: 6379 },
    ])
    expect(await chosen([wish('6379')], rules({ held: [held(6379)] }))).toEqual([6380])
    expect(await chosen([wish('6379')], rules({ held: [held(6379, '0.0.0.0')] }))).toEqual([6380])
    expect(await chosen([wish('6379')], rules({ held: [held(6379, '192.168.0.1')] }))).toEqual([6379])
  })

  it('stays where it was the last time', async () => {
    const sticky = { [wishKey(wish('6379'))]: 6385 }
    expect(await choosePorts([wish('6379')], rules({ sticky }))).toMatchObject([{ port: 6385, movedFrom: 6379 }])
    expect(await chosen([wish('6379')], rules({ sticky, busy: [6385] }))).toEqual([6379])
  })

  it('may be one that a container about to go still has', async () => {
    expect(await chosen([wish('6379')], rules({ busy: [6379], leaving: [held(6379)] }))).toEqual([6379])
  })

  it('is given to one container only', async () => {
    const wishes = [wish('6379', {}, 'a'), wish('6379', {}, 'b'), wish('6379', { protocol: 'udp' }, 'c')]
    expect(await chosen(wishes, rules())).toEqual([6379, 6380, 6379])
  })

  it('is the first free one of a range, or beyond it', async () => {
    expect(await choosePorts([wish('7000-7002')], rules({ busy: [7000] }))).toMatchObject([
      { port: 7001, movedFrom: undefined },
    ])
    expect(await chosen([wish('7000-7001')], rules({ busy: [7000, 7001] }))).toEqual([7002])
  })

  it('is any free one when the file names none, and then the same again', async () => {
    const [choice] = await choosePorts([wish(undefined)], rules())
    expect(choice).toMatchObject({ port: 40000, movedFrom: undefined })
    const sticky = rememberedPorts({}, choice ? [choice] : [])
    expect(await chosen([wish(undefined)], rules({ sticky, anyFree: async () => 50000 }))).toEqual([40000])
  })

  it('is not one that the engine refused', async () => {
    expect(await chosen([wish('6379')], rules({ refused: new Set([6379]) }))).toEqual([6380])
  })

  it('is remembered when it differs from the file, and forgotten when it does not', async () => {
    const moved = await choosePorts([wish('6379')], rules({ busy: [6379] }))
    const remembered = rememberedPorts({}, moved)
    expect(remembered).toEqual({ 'shop-redis-1 127.0.0.1:6379:6379/tcp': 6380 })
    expect(rememberedPorts(remembered, await choosePorts([wish('6379')], rules()))).toEqual({})
  })

  it('that any will do is free for its own address, and given once', async () => {
    const offers = [40001, 40002, 40002, 40003]
    const anyFree = async () => offers.shift()
    const wishes = [wish(undefined, {}, 'a'), wish(undefined, {}, 'b')]
    expect(await chosen(wishes, rules({ anyFree, busy: [40001] }))).toEqual([40002, 40003])
  })

  it('that any will do is left to an engine on another machine', async () => {
    expect(await chosen([wish(undefined)], rules({ anyFree: async () => undefined }))).toEqual([undefined])
  })

  it('does not move beyond the last one', async () => {
    await expect(chosen([wish('65535')], rules({ busy: [65535] }))).rejects.toMatchObject({ code: 'PORT_BUSY' })
  })

  it.each([
    ['0.0.0.0', '127.0.0.1', 'tcp', false],
    ['127.0.0.1', '', 'tcp', false],
    ['::1', '', 'tcp', false],
    ['::1', '127.0.0.1', 'tcp', true],
    ['::', '', 'tcp', false],
    ['127.0.0.1', '127.0.0.2', 'tcp', true],
    // An address of no machine here, and a protocol that Node does not speak: the engine can tell.
    ['127.0.0.1', '203.0.113.7', 'tcp', true],
    ['127.0.0.1', '127.0.0.1', 'sctp', true],
  ])('with a listener on %s: may it be published on "%s"?', async (listener, host, protocol, isFree) => {
    const server = createServer()
    await new Promise<void>((resolve) =>
      server.listen({ port: 0, host: listener, ipv6Only: listener === '::' }, resolve),
    )
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    expect(await canListen(port, host, protocol)).toBe(isFree)
    await new Promise((resolve) => server.close(resolve))
  })

  it('for datagrams can be tried, and its holder named', async () => {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind({ port: 0, address: '127.0.0.1' }, resolve))
    const { port } = socket.address()
    expect(await canListen(port, '', 'udp')).toBe(false)
    if (process.platform === 'linux')
      expect(await holdingProcess(port, 'udp')).toBe(`${basename(process.execPath)}, pid ${process.pid}`)
    await new Promise<void>((resolve) => socket.close(resolve))
    expect(await canListen(port, '', 'udp')).toBe(true)
  })

  it('can be tried, and its holder named', async () => {
    const port = await freePort()
    expect(await canListen(port, '127.0.0.1', 'tcp')).toBe(true)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    expect(await canListen(port, '127.0.0.1', 'tcp')).toBe(false)
    expect(await canListen(port, '', 'tcp')).toBe(false)
    expect(await canListen(port, '127.0.0.1', 'udp')).toBe(true)
    if (process.platform === 'linux')
      expect(await holdingProcess(port)).toBe(`${basename(process.execPath)}, pid ${process.pid}`)
    await new Promise((resolve) => server.close(resolve))
    expect(await holdingProcess(port)).toBeUndefined()
  })
})
