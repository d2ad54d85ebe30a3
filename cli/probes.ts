import { CannotAsk, type Probes, type ProbeTarget } from '../compose/index.ts'

/**
 * How the stack's services show that they are ready: each by answering in its own protocol. This is where the stack
 * engine, which knows no protocol, meets the runtime, which knows no containers. The runtime is loaded when there is
 * somebody to ask: a stack that is up already is recognised without it.
 */
export const probes: Probes = {
  redis: answersLogin,
  rabbitmq: answersLogin,
  worker: answersPing,
}

/** Logging in is the handshake: AMQP opens a virtual host, Redis authenticates and answers PING. */
async function answersLogin(target: ProbeTarget): Promise<void> {
  const { CeleryError, openTransport } = await import('../src/index.ts')
  const { url, hasPassword } = loginUrl(target)
  try {
    const transport = await openTransport(url, { connectTimeoutMs: 1_000 })
    await transport.close()
  } catch (error) {
    // A server that asks for a password which nobody told us is up and speaks its protocol.
    if (!hasPassword && error instanceof CeleryError && error.code === 'LOGIN_REFUSED') return
    throw error
  }
}

/** The address with the credentials that the service itself was given. */
function loginUrl({ role, environment: env, address }: ProbeTarget): { url: string; hasPassword: boolean } {
  if (!address) throw new CannotAsk('its port is not published, so it cannot be asked from here')
  const at = `${address.host}:${address.port}`
  const embedded = env.CELERY_SANDBOX_BROKER_PASSWORD
  if (embedded) return { url: `redis://:${encodeURIComponent(embedded)}@${at}`, hasPassword: true }
  if (role === 'redis') {
    const password = env.REDISCLI_AUTH ?? env.REDIS_PASSWORD
    return {
      url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}${at}`,
      hasPassword: Boolean(password),
    }
  }
  const user = env.RABBITMQ_DEFAULT_USER ?? 'guest'
  const password = env.RABBITMQ_DEFAULT_PASS ?? 'guest'
  const vhost = encodeURIComponent(env.RABBITMQ_DEFAULT_VHOST ?? '/')
  const url = `amqp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${at}/${vhost}`
  return { url, hasPassword: env.RABBITMQ_DEFAULT_PASS !== undefined }
}

async function answersPing({ environment, hostname, inside }: ProbeTarget, signal: AbortSignal): Promise<void> {
  const brokerUrl = environment.CELERY_BROKER_URL
  if (!brokerUrl) throw new CannotAsk('CELERY_BROKER_URL is not in its environment')
  const broker = URL.parse(brokerUrl)?.hostname ?? ''
  if (inside.includes(broker)) throw new CannotAsk(`the port of ${broker} is not published, so workers cannot be asked`)
  const { Celery } = await import('../src/index.ts')
  const app = new Celery('probe', { brokerUrl })
  try {
    // The worker may have any name of its own; its host is the container's.
    const replies = await app.control.ping({ pattern: `*@${hostname}`, limit: 1, signal })
    if (Object.keys(replies).length === 0) throw new Error(`no worker on ${hostname} answers yet`)
  } finally {
    await app.close()
  }
}
