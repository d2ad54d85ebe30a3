/** One message as every transport carries it: metadata that can be read without decoding the body, and bytes. */
export interface Message {
  readonly headers: Readonly<Record<string, unknown>>
  readonly properties: MessageProperties
  /** `application/json` … */
  readonly contentType: string
  /** `utf-8` for text, `binary` for the rest. */
  readonly contentEncoding: string
  /** Serialised, and compressed if the header `compression` says so. */
  readonly body: Uint8Array
}

export interface MessageProperties {
  readonly correlationId?: string
  readonly replyTo?: string
  /** 2 survives a restart of the broker, 1 does not. */
  readonly deliveryMode: 1 | 2
  /** RabbitMQ: high is urgent. Redis: 0 is the most urgent. */
  readonly priority: number
  /** Milliseconds until the broker may drop it; a string of digits, as AMQP has it. */
  readonly expiration?: string
  /** The other basic properties (`app_id`, `message_id`, `type` …), under their AMQP names. */
  readonly others?: Readonly<Record<string, unknown>>
}

/** How a message came: what Celery calls `delivery_info`. */
export interface DeliveryInfo {
  readonly exchange: string
  readonly routingKey: string
  readonly priority: number
  readonly redelivered: boolean
}
