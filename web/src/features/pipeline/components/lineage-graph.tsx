import Box from '@mui/material/Box'
import ButtonBase from '@mui/material/ButtonBase'
import Tooltip from '@mui/material/Tooltip'
import { useEffect, useRef } from 'react'
import type { TableLineage } from '@/features/pipeline/api/get-pipeline'
import { BOX, layOut } from '@/features/pipeline/graph-layout'

/** The graph around a table; a click on another table goes there. */
export function LineageGraph({ lineage, onPick }: { lineage: TableLineage; onPick: (table: string) => void }) {
  const { boxes, lines, width, height } = layOut(lineage)
  const scroller = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (scroller.current) showCurrent(scroller.current)
  }, [lineage.table])
  return (
    <Box ref={scroller} sx={{ position: 'relative', overflowX: 'auto', px: 2.5, pb: 2.5 }}>
      <Box sx={{ position: 'relative', width, height }}>
        <Box component="svg" aria-hidden width={width} height={height} sx={{ position: 'absolute', inset: 0, color: 'text.disabled' }}>
          {lines.map((line) => (
            <path key={line.key} d={line.path} fill="none" stroke="currentColor" strokeWidth="1.25" />
          ))}
        </Box>
        {boxes.map((box) => (
          <Tooltip key={box.name} title={[box.name, box.description].filter(Boolean).join(': ')} describeChild>
            <ButtonBase
              onClick={() => onPick(box.name)}
              aria-current={box.name === lineage.table ? 'true' : undefined}
              sx={{
                position: 'absolute',
                left: box.x,
                top: box.y,
                width: BOX.width,
                height: BOX.height,
                px: 1.5,
                justifyContent: 'flex-start',
                borderRadius: 1,
                border: 1,
                borderColor: box.name === lineage.table ? 'primary.main' : 'divider',
                bgcolor: 'background.paper',
                typography: 'body2',
                fontWeight: box.name === lineage.table ? 650 : 400,
                overflow: 'hidden',
                whiteSpace: 'nowrap',
              }}
            >
              <Box component="span" sx={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>
                {box.name}
              </Box>
            </ButtonBase>
          </Tooltip>
        ))}
      </Box>
    </Box>
  )
}

/** Scrolls a wide graph until the table that it is about stands in its middle. */
function showCurrent(scroller: HTMLElement): void {
  const current = scroller.querySelector<HTMLElement>('[aria-current="true"]')
  if (current) scroller.scrollLeft = current.offsetLeft - (scroller.clientWidth - current.offsetWidth) / 2
}
