import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * Sends commands to a Redis server over a connection of their own, one after the other, and gives the reply to the
 * last, as Redis wrote it (`PONG`, `7`). For commands that answer in one line.
 *
 * @throws with Redis's words when it refuses one.
 */
export async function askRedis(url: string, ...commands: string[]): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const socket = connect(Number(port || 6379), hostname)
  socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer from ${hostname}:${port}`)))
  try {
    await once(socket, 'connect')
    const lines = [...commands]
    if (pathname.length > 1) lines.unshift(`SELECT ${pathname.slice(1)}`)
    if (password) lines.unshift(`AUTH ${username} ${decodeURIComponent(password)}`)
    socket.write(lines.map((line) => `${line}\r\n`).join(''))
    const replies: string[] = []
    for await (const reply of createInterface(socket)) {
      if (reply.startsWith('-')) throw new Error(`Redis refused ${lines[replies.length]}: ${reply.slice(1)}`)
      if (replies.push(reply.slice(1)) === lines.length) break
    }
    return replies.at(-1) ?? ''
  } finally {
    socket.destroy()
  }
}
