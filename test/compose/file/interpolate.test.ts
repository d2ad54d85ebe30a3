import { describe, expect, it } from 'vitest'
import { interpolate } from '../../../compose/file/interpolate.ts'

const variables: Record<string, string> = { SET: 'value', EMPTY: '', OTHER: 'other' }

function text(template: string): string {
  const result = interpolate(template, (name) => variables[name])
  return result.ok ? result.text : `! ${result.problem}`
}

describe('interpolation', () => {
  it.each([
    [`$SET and \${SET}`, 'value and value'],
    [`\${SET}suffix $SET.suffix`, 'valuesuffix value.suffix'],
    ['$$SET $$ 5$', '$SET $ 5$'],
    [`\${UNSET:-default} \${EMPTY:-default} \${SET:-default}`, 'default default value'],
    [`\${UNSET-default} \${EMPTY-default}`, 'default '],
    [`\${UNSET:+set}|\${EMPTY:+set}|\${SET:+set}`, '||set'],
    [`\${UNSET+set}|\${EMPTY+set}|\${SET+set}`, '|set|set'],
    [`\${UNSET:-\${OTHER}}`, 'other'],
    [`\${UNSET:-\${ALSO_UNSET:-deep}}`, 'deep'],
    [`\${UNSET:-a}b\${UNSET:-{c}}`, 'ab{c}'],
    [`\${SET:?message} \${EMPTY?message}`, 'value '],
    [`\${UNSET-a-b:-c}`, 'a-b:-c'],
    ['$1 and 100%', '$1 and 100%'],
  ])('turns %j into %j', (template, expected) => {
    expect(text(template)).toBe(expected)
  })

  it('fails for a required variable, with the reason the file gives', () => {
    expect(text(`\${UNSET:?set it in .env}`)).toBe('! required variable UNSET is missing a value: set it in .env')
    expect(text(`\${EMPTY:?}`)).toBe('! required variable EMPTY is missing a value')
    expect(text(`\${UNSET?\${OTHER} is needed}`)).toBe('! required variable UNSET is missing a value: other is needed')
  })

  it.each([`\${`, `\${SET`, `\${SET/a/b}`, `\${}`, `\${1}`])('refuses %j', (template) => {
    expect(text(template)).toBe(`! invalid interpolation after a dollar sign; to mean a dollar sign write $$`)
  })

  it('names the variables that were not set', () => {
    const result = interpolate(`$A \${B} \${C:-x} \${D+x}`, () => undefined)
    expect(result).toEqual({ ok: true, text: '  x ', unset: ['A', 'B'] })
  })
})
