import { useState } from 'react'

/** Where a list of pages stands, and the ways from there; a way that leads nowhere is not there. */
export interface Pages {
  /** Rows on the pages before. */
  before: number
  /** Rows over all pages, where the server counts them. */
  total: number | undefined
  previous: (() => void) | undefined
  next: (() => void) | undefined
}

interface Answer {
  items: readonly unknown[]
  next_page_token?: string
  total_size?: number
}

interface Place {
  token: string
  before: number
}

const FIRST: Place = { token: '', before: 0 }

/** Walks a list whose pages are found by tokens. Another `query` begins again at its first page. */
export function usePages(query: string) {
  const [walk, setWalk] = useState({ query, places: [FIRST] })
  const places = walk.query === query ? walk.places : [FIRST]
  const here = places.at(-1) ?? FIRST
  const go = (to: Place[]) => () => setWalk({ query, places: to })
  return {
    token: here.token,
    pages: (answer: Answer | undefined): Pages => ({
      before: here.before,
      total: answer?.total_size,
      previous: places.length > 1 ? go(places.slice(0, -1)) : undefined,
      next: answer?.next_page_token
        ? go([...places, { token: answer.next_page_token, before: here.before + answer.items.length }])
        : undefined,
    }),
  }
}

/** The rows of one page of those that are here already. Other rows begin again at the first page. */
export function useLocalPages<Row>(rows: readonly Row[], size: number): { shown: readonly Row[]; pages: Pages | undefined } {
  const [walk, setWalk] = useState({ rows, before: 0 })
  const before = walk.rows === rows ? walk.before : 0
  const go = (to: number) => () => setWalk({ rows, before: to })
  if (rows.length <= size) return { shown: rows, pages: undefined }
  return {
    shown: rows.slice(before, before + size),
    pages: {
      before,
      total: rows.length,
      previous: before > 0 ? go(Math.max(0, before - size)) : undefined,
      next: before + size < rows.length ? go(before + size) : undefined,
    },
  }
}
