import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CrontabSchedule, crontab } from '../../src/schedule/crontab.ts'
import { type Cronspec, type FieldName, numbersOf } from '../../src/schedule/crontab-field.ts'
import { schedule } from '../../src/schedule/interval.ts'
import { type SolarEvent, solar } from '../../src/schedule/solar.ts'
import { firstInstantOf, instantsOf, offsetAt, readingAt } from '../../src/schedule/zone.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

/** Random schedules and times, the same in each run, put to Celery's own classes. */

const timezones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Auckland',
]
const names: readonly FieldName[] = ['minute', 'hour', 'dayOfWeek', 'dayOfMonth', 'monthOfYear']

interface Site {
  readonly timezone: string
  readonly last: number
  readonly now: number
}

describeWith(['python'], 'schedules beside Celery’s', () => {
  it('crontabs mean the same minutes: 20,000 of them', { timeout: 120_000 }, async () => {
    const questions = fc.sample(fc.record({ given: crontabs, site: sites }), { seed: 2_026, numRuns: 20_000 })
    const answers = await ask(questions.map(({ given, site }) => ({ kind: 'crontab', crontab: snake(given), ...site })))
    const differences = questions.flatMap(({ given, site }, i) => {
      const verdict = compare(given, site, answers[i] ?? {})
      return verdict === 'same' ? [] : [{ verdict, given, ...site, celery: answers[i] }]
    })
    const counts = Map.groupBy(differences, ({ verdict }) => verdict)
    expect(counts.get('different') ?? []).toEqual([])
    // The two ways in which Celery's are not what a reader of clocks expects are seldom met, and they are met.
    expect([...counts.keys()].sort()).toEqual(['an hour that comes twice', 'the rest of an hour of an earlier day'])
    expect(differences.length).toBeLessThan(3_000)
  })

  it('intervals are due at the same time, also relative ones', async () => {
    const every = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 500_000 }))
    const arbitrary = fc.record({ every, relative: fc.boolean(), site: sites })
    const questions = fc.sample(arbitrary, { seed: 2_026, numRuns: 5_000 })
    const answers = await ask(questions.map(({ site, ...question }) => ({ kind: 'interval', ...question, ...site })))
    for (const [i, { every, relative, site }] of questions.entries()) {
      const end = site.last + every * 1000
      // Celery 5.2 keeps the offset of one of the two ends, and days of summer time have 24 hours.
      if (!isSteady(site.timezone, site.last, site.now, end, end - 86_400_000)) continue
      const due = schedule(every, { relative }).isDue(new Date(site.last), momentOf(site))
      expect([due.isDue, due.next], JSON.stringify(questions[i])).toEqual([
        answers[i]?.due,
        expect.closeTo(answers[i]?.next ?? Number.NaN, 3),
      ])
    }
  })

  it('the sun is where ephem sees it, to a second', async () => {
    const events: SolarEvent[] = ['dawn_astronomical', 'dawn_nautical', 'dawn_civil', 'sunrise', 'solar_noon']
    events.push('sunset', 'dusk_civil', 'dusk_nautical', 'dusk_astronomical')
    // Nearer to the poles an event may be left out; there Celery sends at midnight instead.
    const degrees = (max: number) => fc.integer({ min: -max * 10, max: max * 10 }).map((tenths) => tenths / 10)
    const arbitrary = fc.record({ event: fc.constantFrom(...events), lat: degrees(45), lon: degrees(180), site: sites })
    const questions = fc.sample(arbitrary, { seed: 2_026, numRuns: 500 })
    const answers = await ask(
      questions.map(({ site, ...rest }) => ({ kind: 'solar', ...rest, ...site, timezone: 'UTC' })),
    )
    for (const [i, { event, lat, lon, site }] of questions.entries()) {
      const ours = (solar(event, lat, lon).nextAfter(site.last) - site.now) / 1000
      expect(Math.abs(ours - (answers[i]?.remaining ?? Number.NaN)), JSON.stringify(questions[i])).toBeLessThan(1)
    }
  })
})

interface Answer {
  readonly fields?: readonly (readonly number[])[]
  /** What the clock shows at the next run. */
  readonly reading?: number
  readonly due?: boolean
  readonly next?: number
  readonly remaining?: number
  readonly error?: string
}

async function ask(questions: readonly object[]): Promise<Answer[]> {
  const input = JSON.stringify(questions)
  const { code, stdout, stderr } = await run(parts().python.path, ['test/support/python/schedules.py'], { input })
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

function compare(given: Record<FieldName, Cronspec>, site: Site, celery: Answer): string {
  const fields = names.map((name) => numbersOf(name, given[name]))
  if (JSON.stringify(fields) !== JSON.stringify(celery.fields)) return 'different'
  if (celery.error) return refuses(given) ? 'same' : 'different'
  const { timezone, last, now } = site
  const tab = crontab(given)
  const next = tab.nextAfter(last, timezone)
  if (firstInstantOf(timezone, celery.reading ?? 0) !== next) return explain(tab, site, next, celery.reading)
  const due = tab.isDue(new Date(last), momentOf(site))
  // It keeps the offset of one end.
  if (!isSteady(timezone, last, next, now + due.next * 1000)) return 'same'
  const isSame = due.isDue === celery.due && Math.abs(due.next - (celery.next ?? Number.NaN)) < 0.002
  return isSame ? 'same' : 'different'
}

/** Both cases are those of ARCHITECTURE.md. */
function explain(tab: CrontabSchedule, { timezone, last, now }: Site, next: number, theirs = 0): string {
  const comesTwice = (instant: number) => instantsOf(timezone, readingAt(timezone, instant)).length === 2
  if (comesTwice(last) || comesTwice(next)) return 'an hour that comes twice'
  const day = (instant: number) => Math.floor(readingAt(timezone, instant) / 86_400_000)
  const reading = readingAt(timezone, last)
  const endOfHour = firstInstantOf(timezone, reading - (reading % 3_600_000) + 3_540_000)
  const isPassedOver = day(last) !== day(now) && tab.nextAfter(endOfHour, timezone) === firstInstantOf(timezone, theirs)
  return isPassedOver ? 'the rest of an hour of an earlier day' : 'different'
}

function refuses(given: Record<FieldName, Cronspec>): boolean {
  try {
    return !crontab(given)
  } catch (error) {
    return /it would never run/.test(String(error))
  }
}

/** Nobody sets the clocks between these times. */
function isSteady(timezone: string, ...instants: number[]): boolean {
  const [first = 0, last = 0] = [Math.min(...instants), Math.max(...instants)]
  for (let instant = first; instant < last + 86_400_000; instant += 86_400_000) {
    if (offsetAt(timezone, instant) !== offsetAt(timezone, first)) return false
  }
  return true
}

const momentOf = ({ now, timezone }: Site) => ({ now: new Date(now), timezone, cronStartingDeadline: null })

const snake = (given: Record<FieldName, Cronspec>) => ({
  minute: given.minute,
  hour: given.hour,
  day_of_week: given.dayOfWeek,
  day_of_month: given.dayOfMonth,
  month_of_year: given.monthOfYear,
})

const delays = fc.oneof(
  fc.integer({ min: 0, max: 60_000 }),
  fc.integer({ min: 0, max: 7_200_000 }),
  fc.integer({ min: 0, max: 3 * 86_400_000 }),
  fc.integer({ min: 0, max: 400 * 86_400_000 }),
)

/** Anywhen, and often near to the days on which clocks are set in Europe. */
const times = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: Date.UTC(2023, 0), max: Date.UTC(2030, 0) }) },
  fc.integer({ min: Date.UTC(2026, 2, 28), max: Date.UTC(2026, 2, 31) }),
  fc.integer({ min: Date.UTC(2026, 9, 24), max: Date.UTC(2026, 9, 27) }),
)

const sites: fc.Arbitrary<Site> = fc
  .record({ timezone: fc.constantFrom(...timezones), last: times, delay: delays })
  .map(({ timezone, last, delay }) => ({ timezone, last, now: last + delay }))

function field(least: number, most: number, words: readonly string[] = []): fc.Arbitrary<Cronspec> {
  const number = fc.integer({ min: least, max: most })
  const word = words.length > 0 ? fc.oneof(number.map(String), fc.constantFrom(...words)) : number.map(String)
  const step = fc.integer({ min: 1, max: most })
  const range = fc.tuple(word, word).map(([from, to]) => `${from}-${to}`)
  const part = fc.oneof(
    word,
    range,
    fc.tuple(range, step).map(([from, by]) => `${from}/${by}`),
    step.map((by) => `*/${by}`),
  )
  const text = fc.array(part, { minLength: 1, maxLength: 3 }).map((all) => all.join(','))
  return fc.oneof(fc.constant('*'), text, number, fc.array(number, { minLength: 1, maxLength: 4 }))
}

const mostlyAny = (arbitrary: fc.Arbitrary<Cronspec>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<Cronspec>('*') }, arbitrary)

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'Monday', 'SATURDAY']

const crontabs: fc.Arbitrary<Record<FieldName, Cronspec>> = fc.record({
  minute: field(0, 59),
  hour: field(0, 23),
  dayOfWeek: mostlyAny(field(0, 6, weekdays)),
  dayOfMonth: mostlyAny(field(1, 31)),
  monthOfYear: mostlyAny(field(1, 12)),
})
