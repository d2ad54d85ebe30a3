import { stripVTControlCharacters } from 'node:util'

/** Columns as wide as their widest cell, colours not counted. */
export function table(rows: readonly (readonly string[])[]): string {
  const width = (cell: string) => stripVTControlCharacters(cell).length
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}
