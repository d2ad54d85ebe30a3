import type { BuildConfig } from '../file/model.ts'

/** One image to be built. */
export interface BuildSpec {
  /** What it shall be called; the first names it in messages. */
  readonly images: readonly string[]
  readonly config: BuildConfig
  /** In addition to those of the file. */
  readonly labels: Readonly<Record<string, string>>
  /** Of the service; those of the build itself count before it. */
  readonly platform: string | undefined
  /** What `RUN --mount=type=secret,id=…` sees; no layer keeps it. */
  readonly secrets: readonly BuildSecret[]
}

/** A secret of a build: a file of this machine, or its text. */
export interface BuildSecret {
  readonly id: string
  readonly file: string | undefined
  readonly content: string | undefined
}

/** What happens while an image is built. */
export type BuildProgress =
  /** So much of the context was sent. */
  | { readonly kind: 'context'; readonly sent: number; readonly bytes: number }
  /** A step began, from 1. */
  | { readonly kind: 'step'; readonly step: number; readonly of: number; readonly instruction: string }
  /** A line that a step wrote. */
  | { readonly kind: 'output'; readonly text: string }
