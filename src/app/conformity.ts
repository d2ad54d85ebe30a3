import { CeleryError } from '../errors.ts'
import { ArgumentsError, describeParameters, type Parameters } from './parameters.ts'
import { conform, describeIssues, type SchemaIssue, type StandardSchemaV1 } from './standard-schema.ts'

interface Schemas {
  readonly args?: StandardSchemaV1<unknown[], unknown[]> | undefined
  readonly result?: StandardSchemaV1 | undefined
}

/** Holds a task to its schemas; one that has none is left as it is. */
export class Conformity {
  readonly #task: string
  readonly #parameters: Parameters
  readonly #schemas: Schemas

  constructor(task: string, parameters: Parameters, schemas: Schemas) {
    this.#task = task
    this.#parameters = parameters
    this.#schemas = schemas
  }

  /** In the caller. A schema that needs a promise is left to the worker. @throws {ArgumentsError} */
  checkCall(args: readonly unknown[]): void {
    const read = this.#read(args)
    if (read instanceof Promise) read.catch(() => {})
  }

  /** Runs a function with what the schema makes of the arguments; gives what the other makes of its value. */
  around(args: readonly unknown[], run: (args: readonly unknown[]) => unknown): unknown {
    const read = this.#read(args)
    const value = read instanceof Promise ? read.then(run) : run(read)
    const { result } = this.#schemas
    if (!result) return value
    const give = (given: unknown) => conform(result, given, (issues) => this.#refuseResult(issues))
    return value instanceof Promise ? value.then(give) : give(value)
  }

  #read(args: readonly unknown[]): readonly unknown[] | Promise<unknown[]> {
    const { args: schema } = this.#schemas
    return schema ? conform(schema, args, (issues) => this.#refuseArguments(issues)) : args
  }

  #refuseArguments(issues: readonly SchemaIssue[]): never {
    const { parameters } = this.#parameters
    const named = issues.map(({ message, path: [first, ...rest] = [] }) => {
      const at = typeof first === 'object' ? first.key : first
      const name = at === undefined ? undefined : (parameters[Number(at)]?.name ?? at)
      return { message, path: name === undefined ? [] : [name, ...rest] }
    })
    throw new ArgumentsError(`${this.#task}(${describeParameters(this.#parameters)}): ${describeIssues(named)}`)
  }

  #refuseResult(issues: readonly SchemaIssue[]): never {
    throw new ResultError(`${this.#task} gave back what its result may not be: ${describeIssues(issues)}`)
  }
}

/** A task gave back what its schema does not allow: what Python calls TypeError. */
export class ResultError extends CeleryError {
  constructor(message: string) {
    super('TASK_RESULT', message)
    this.name = 'TypeError'
  }
}
