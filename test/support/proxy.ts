import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

export interface ProxyOptions {
  /** Takes what clients say, to change it in place; `false` swallows it. */
  toServer?: (data: Buffer) => boolean | undefined
  /** Clients speak TLS; the server does not. */
  tls?: TlsOptions
}

/** A port before another one: sees, spoils or cuts what passes. */
export async function startProxy(port: number, { toServer = () => true, tls }: ProxyOptions = {}) {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  let isCut = false
  const onClient = (client: Socket) => {
    if (isCut) {
      client.destroy()
      return
    }
    const server = connect(port, '127.0.0.1')
    clients.add(client)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('data', (data: Buffer) => toServer(data) !== false && server.write(data))
    server.on('data', (data) => client.write(data))
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  }
  const listener = tls ? createTlsServer(tls, onClient) : createServer(onClient)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    /** How many came. */
    get connections() {
      return clients.size
    },
    /** Says something to all clients in the server's name. */
    inject(data: Buffer) {
      for (const client of clients) client.write(data)
    },
    /** Hangs up, and on all who come until it is mended. */
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    },
    /** Hangs up and takes nobody any more. */
    async stop() {
      for (const socket of sockets) socket.destroy()
      if (!listener.listening) return
      listener.close()
      await once(listener, 'close')
    },
  }
}
