import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { Sandbox } from './docker.ts'

failOnLeaks()

describeWith(['docker', 'images', 'compose'], 'host ports on Docker', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
  })

  afterEach(() => sandbox.remove())

  const app = (ports: string, more = '') =>
    `services: { app: { image: "$NODE", command: [sleep, "1000"], init: true, stop_grace_period: 0s, ports: [${ports}]${more} } }`

  const portsOf = async (project: Sandbox) => {
    const statuses = await (await project.open()).ps()
    return statuses.map(({ ports }) => [...new Set(ports.map(({ port }) => port))].sort())
  }
  const moves = (events: readonly StackEvent[]) => events.filter((event) => event.type === 'port')

  it('that two projects want at the same moment are given to one, and another to the other', async () => {
    const port = await freePort()
    const other = new Sandbox()
    try {
      sandbox.write(app(`"127.0.0.1:${port}:80"`))
      other.write(app(`"127.0.0.1:${port}:80"`))
      await Promise.all([sandbox.up(), other.up()])
      const [[[ours = 0] = []], [[theirs = 0] = []]] = [await portsOf(sandbox), await portsOf(other)]
      expect(ours).not.toBe(theirs)
      expect([ours, theirs]).toContain(port)
    } finally {
      await other.remove()
    }
  })

  it('go round among the containers of one service, from a range or from one port on', async () => {
    const port = await freePort()
    sandbox.write(app(`"127.0.0.1:${port}-${port + 2}:80"`, ', deploy: { replicas: 3 }'))
    expect(moves(await sandbox.up())).toEqual([])
    expect((await portsOf(sandbox)).flat().sort()).toEqual([port, port + 1, port + 2])
    await sandbox.down()
    sandbox.write(app(`"127.0.0.1:${port}:80"`, ', deploy: { replicas: 2 }'))
    expect(moves(await sandbox.up())).toMatchObject([{ wanted: port, holder: `container ${sandbox.name}-app-1` }])
    expect((await portsOf(sandbox)).flat()).toHaveLength(2)
  })

  it('of datagrams and of all addresses move as well', async () => {
    const port = await freePort()
    const other = new Sandbox()
    try {
      other.write(app(`"${port}:80", "127.0.0.1:${port}:81/udp"`))
      await other.up()
      sandbox.write(app(`"127.0.0.1:${port}:80", "${port}:81/udp"`))
      const moved = moves(await sandbox.up())
      expect(moved).toMatchObject([
        { wanted: port, holder: `container ${other.name}-app-1` },
        { wanted: port, holder: `container ${other.name}-app-1` },
      ])
    } finally {
      await other.remove()
    }
  })

  it('that the file leaves open stay the same from one life to the next', async () => {
    sandbox.write(app('"80", "81/udp"'))
    await sandbox.up()
    const first = await portsOf(sandbox)
    await sandbox.down()
    await sandbox.up()
    expect(await portsOf(sandbox)).toEqual(first)
  })

  it('of an engine on another machine are for that engine to judge', async () => {
    // Another address of this machine does for another machine.
    const socketPath = parts().docker.host.replace('unix://', '')
    const open = new Set<Socket>()
    const tunnel = createServer((near) => {
      const far = connect(socketPath)
      open.add(near).add(far)
      near.on('error', () => far.destroy()).pipe(far)
      far.on('error', () => near.destroy()).pipe(near)
    })
    await new Promise<void>((resolve) => tunnel.listen(0, '127.0.0.2', resolve))
    const at = tunnel.address()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const busy = taken.address()
    const port = typeof busy === 'object' && busy ? busy.port : 0
    try {
      sandbox.write(app(`"127.0.0.1:${port}:80"`))
      const env = { ...sandbox.env, DOCKER_HOST: `tcp://127.0.0.2:${typeof at === 'object' && at ? at.port : 0}` }
      expect(moves(await sandbox.up({}, { env }))).toMatchObject([
        { wanted: port, chosen: port + 1, holder: undefined },
      ])
    } finally {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => taken.close(resolve))
      await new Promise((resolve) => tunnel.close(resolve))
    }
  })
})
