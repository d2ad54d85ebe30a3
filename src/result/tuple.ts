import type { ResultTuple } from '../protocol/result-meta.ts'
import { AsyncResult } from './async-result.ts'
import { GroupResult } from './group-result.ts'
import type { Result, ResultSource } from './result.ts'

/** Gives back the result, or the group of results, that was kept as a tuple. */
export function resultFromTuple(tuple: ResultTuple, source: ResultSource): Result {
  // Not by recursion: a chain may be longer than the stack.
  const line: ResultTuple[] = []
  for (let at: ResultTuple | null = tuple; at; at = at[0][1]) line.push(at)
  return line.reduceRight<Result | undefined>((parent, [[id], members]) => {
    if (members === null) return new AsyncResult(id, source, { parent })
    const results = members.map((member) => resultFromTuple(member, source))
    return new GroupResult(id, results, source, parent)
  }, undefined) as Result
}
