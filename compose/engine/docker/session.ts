import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { AttachOptions, ExecSpec, OutputChunk, Session } from '../engine.ts'
import { type Api, call } from './api.ts'
import { readFrames } from './frames.ts'

/** Runs a program in a container. */
export async function openExec(api: Api, container: string, spec: ExecSpec): Promise<Session> {
  const { tty } = spec
  const doing = `run ${spec.command[0]} in ${api.nameOf(container)}`
  const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true }
  const exec = await call(doing, () => api.container(container).exec({ ...execBody(spec), ...streams, Tty: tty }))
  const stream = await call(doing, () => exec.start({ hijack: true, stdin: true, Tty: tty }))
  return new HijackedSession(stream, tty, {
    resize: ({ columns, rows }) => call(doing, () => exec.resize({ w: columns, h: rows }), tooLate),
    exitCode: async () => (await call(doing, () => exec.inspect())).ExitCode ?? 0,
  })
}

/** Runs a program in a container and leaves it to itself. */
export async function execDetached(api: Api, container: string, spec: ExecSpec): Promise<void> {
  const doing = `run ${spec.command[0]} in ${api.nameOf(container)}`
  const exec = await call(doing, () => api.container(container).exec(execBody(spec)))
  const answer = await call(doing, () => exec.start({ Detach: true }))
  // An answer that nobody reads would keep this process.
  answer.destroy()
}

function execBody({ command, environment = {}, user, directory, isPrivileged = false }: ExecSpec) {
  return {
    Cmd: [...command],
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Privileged: isPrivileged,
    ...(user && { User: user }),
    ...(directory && { WorkingDir: directory }),
  }
}

const waiting = { condition: 'next-exit' }
const withoutEnd = { body: undefined, headers: {}, signal: new AbortController().signal }

/** A program that has ended needs no size any more. */
const tooLate = [400, 404, 409, 500]

/** The first program of a container that is about to be started: nothing it says is missed, nor how it ends. */
export async function attachTo(api: Api, container: string, { tty, stdin }: AttachOptions): Promise<Session> {
  const doing = `attach to ${api.nameOf(container)}`
  const query = { stream: true, stdin, stdout: true, stderr: true }
  const stream = await call(doing, () => api.container(container).attach({ ...query, hijack: true }))
  // The engine begins to answer once it waits: nothing that starts from here on ends unnoticed, also if it is removed.
  const answer = await call(doing, () => api.post(`/containers/${container}/wait?`, waiting, withoutEnd))
  const ended = text(answer).then((json): { StatusCode: number } => JSON.parse(json))
  ended.catch(() => {})
  return new HijackedSession(stream, tty, {
    resize: ({ columns, rows }) =>
      call(doing, async () => api.container(container).resize({ w: columns, h: rows }), tooLate),
    exitCode: async () => (await ended).StatusCode,
  })
}

interface Ways {
  readonly resize: (size: { readonly columns: number; readonly rows: number }) => Promise<unknown>
  readonly exitCode: () => Promise<number>
}

/** A connection that was a request and has become a stream in both directions. */
class HijackedSession implements Session {
  readonly #stream: Duplex
  readonly #tty: boolean
  readonly #ways: Ways

  constructor(stream: NodeJS.ReadWriteStream, tty: boolean, ways: Ways) {
    this.#stream = stream as Duplex
    this.#tty = tty
    this.#ways = ways
    // Whoever writes to a program that has ended is no failure; what broke the connection is told to the reader.
    this.#stream.on('error', () => {})
  }

  async *output(): AsyncGenerator<OutputChunk> {
    if (!this.#tty) return yield* readFrames(this.#stream)
    for await (const payload of this.#stream) yield { stream: 'stdout', payload }
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.writableEnded || this.#stream.destroyed) return resolve()
      this.#stream.write(chunk, () => resolve())
    })
  }

  end(): void {
    this.#stream.end()
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#ways.resize({ columns, rows })
  }

  exitCode(): Promise<number> {
    return this.#ways.exitCode()
  }

  close(): void {
    this.#stream.destroy()
  }
}
