import Box from '@mui/material/Box'
import { BarChart, CandlestickChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

register([BarChart, CandlestickChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

interface ChartProps {
  option: EChartsCoreOption
  height: number
  label: string
}

/** An ECharts canvas that follows its box. Imported lazily: the library is larger than the rest of a page. */
export function Chart({ option, height, label }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!box.current) return
    const chart = init(box.current)
    const observer = new ResizeObserver(() => chart.resize())
    observer.observe(box.current)
    chart.setOption(option)
    return () => {
      observer.disconnect()
      chart.dispose()
    }
  }, [option])
  return <Box ref={box} role="img" aria-label={label} sx={{ height, width: '100%' }} />
}
