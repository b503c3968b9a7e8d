import type { TableLineage } from '@/features/pipeline/api/get-pipeline'
import { groupBy } from '@/lib/group-by'

export const BOX = { width: 210, height: 34, across: 70, down: 12 }

export interface Box {
  name: string
  description: string
  x: number
  y: number
}

export interface Line {
  key: string
  path: string
}

export interface Layout {
  boxes: Box[]
  lines: Line[]
  width: number
  height: number
}

/** Tables in columns by their distance from the one asked for, upstream to the left, joined by curves. */
export function layOut({ tables, edges }: Pick<TableLineage, 'tables' | 'edges'>): Layout {
  const ranks = [...groupBy(tables, (table) => table.distance)].sort(([one], [other]) => one - other)
  const tallest = Math.max(1, ...ranks.map(([, own]) => own.length))
  const step = BOX.height + BOX.down
  const boxes = ranks.flatMap(([, own], rank) =>
    own.map((table, place) => ({
      name: table.name,
      description: table.description,
      x: rank * (BOX.width + BOX.across),
      y: (place + (tallest - own.length) / 2) * step,
    })),
  )
  return {
    boxes,
    lines: edges.flatMap((edge) => curve(boxes, edge.upstream, edge.downstream)),
    width: Math.max(1, ranks.length) * (BOX.width + BOX.across) - BOX.across,
    height: tallest * step - BOX.down,
  }
}

function curve(boxes: Box[], upstream: string, downstream: string): Line[] {
  const from = boxes.find((box) => box.name === upstream)
  const to = boxes.find((box) => box.name === downstream)
  if (!from || !to) return []
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2]
  const [x2, y2] = [to.x, to.y + BOX.height / 2]
  const bend = Math.max(BOX.across / 2, Math.abs(x2 - x1) / 2)
  return [{ key: `${upstream} ${downstream}`, path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }]
}
