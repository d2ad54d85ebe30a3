import type { ResultTuple } from '../protocol/result-meta.ts'
import { AsyncResult } from './async-result.ts'
import { GroupResult } from './group-result.ts'
import type { Result, ResultSource } from './result.ts'

/** Gives back the result, or the group of results, that was kept as a tuple. */
export function resultFromTuple([[id, ancestor], members]: ResultTuple, source: ResultSource): Result {
  const parent = ancestor ? resultFromTuple(ancestor, source) : undefined
  if (members === null) return new AsyncResult(id, source, { parent })
  const results = members.map((member) => resultFromTuple(member, source))
  return new GroupResult(id, results, source, parent)
}
