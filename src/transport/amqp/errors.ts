import { CeleryError, messageOf } from '../../errors.ts'

export function connectionError(url: string, cause: unknown): CeleryError {
  const reason = messageOf(cause)
  if (/ACCESS.REFUSED/.test(reason)) {
    return new CeleryError('LOGIN_REFUSED', `${url} refuses the login`, { cause })
  }
  // What amqplib says when the broker answers the opening of a virtual host by closing the connection.
  if (/Expected ConnectionOpenOk/.test(reason)) {
    const message = `${url}: there is no such virtual host, or this user may not enter it`
    return new CeleryError('LOGIN_REFUSED', message, { cause })
  }
  return new CeleryError('BROKER_UNREACHABLE', `cannot reach ${url}: ${reason}`, { cause })
}

/** The one reason that surprises everyone. */
export function explained(reason: string): string {
  if (!/acknowledgement.*timed out/.test(reason)) return reason
  return (
    `${reason}\nA task with acksLate ran, or a task with an ETA waited, longer than RabbitMQ's consumer_timeout; it is ` +
    'delivered again. Raise consumer_timeout, or acknowledge early.'
  )
}

export function operationError(url: string, what: string, cause: unknown): CeleryError {
  if (cause instanceof CeleryError) return cause
  const reason = messageOf(cause)
  // amqplib found no way to write a header or a property; nothing was sent.
  if (cause instanceof RangeError || cause instanceof TypeError) {
    return new CeleryError('ENCODE_ERROR', `could not ${what}: ${reason}`, { cause })
  }
  if (/PRECONDITION.FAILED/.test(reason)) {
    if (/message size/.test(reason)) {
      const next = 'Keep large data elsewhere and send its address, or raise max_message_size of RabbitMQ.'
      return new CeleryError('ENCODE_ERROR', `could not ${what}: ${reason}`, { cause, next })
    }
    const next = 'Declare it with the arguments it has, or delete it on the broker and let it be made anew.'
    return new CeleryError('IMPROPERLY_CONFIGURED', `cannot ${what}: ${reason}`, { cause, next })
  }
  if (/ACCESS.REFUSED/.test(reason)) {
    return new CeleryError('LOGIN_REFUSED', `may not ${what} on ${url}: ${reason}`, { cause })
  }
  if (/RESOURCE.LOCKED/.test(reason)) {
    return new CeleryError('RESOURCE_LOCKED', `could not ${what} on ${url}: ${reason}`, { cause })
  }
  if (/NOT.FOUND/.test(reason)) {
    const next = 'Declare the exchange or the queue first, or correct its name.'
    return new CeleryError('IMPROPERLY_CONFIGURED', `could not ${what}: ${reason}`, { cause, next })
  }
  return new CeleryError('BROKER_UNREACHABLE', `could not ${what} on ${url}: ${reason}`, { cause })
}
