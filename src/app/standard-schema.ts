/**
 * Schemas of any library that follows standardschema.dev (zod, valibot, arktype …). These are the types of the
 * specification, which asks to be copied.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For the compiler alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type TypesOf<S extends StandardSchemaV1> = NonNullable<S['~standard']['types']>
export type InferInput<S extends StandardSchemaV1> = TypesOf<S>['input']
export type InferOutput<S extends StandardSchemaV1> = TypesOf<S>['output']

/**
 * The value as the schema makes it; a promise where the schema asks for one.
 *
 * @param refuse throws what the value's owner shall see
 */
export function conform<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
  refuse: (issues: readonly SchemaIssue[]) => never,
): T | Promise<T> {
  const settle = (result: SchemaResult<T>) => (result.issues ? refuse(result.issues) : result.value)
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(settle) : settle(result)
}

/** `point.x: expected a number; …` */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const describe = ({ path = [], message }: SchemaIssue) => {
    const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${message}` : message
  }
  return issues.map(describe).join('; ')
}
