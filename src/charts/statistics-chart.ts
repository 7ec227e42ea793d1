import { type DatasetStatistics, formatPercent } from '../data/dataset/statistics.ts';
import { loadEcharts, toSvg } from './load-echarts.ts';

/**
 * Draws the statistics as an SVG chart: for every class, its share of all pixels and the share of images that contain it,
 * as bars in the class's colour with the numbers next to them (a linear axis cannot show 0.01 % next to 31 %).
 *
 * @example await writeFile('classes.svg', await statisticsChart(await datasetStatistics('data/train', celebamask19)));
 */
export async function statisticsChart(statistics: DatasetStatistics): Promise<string> {
  const echarts = await loadEcharts();
  const { classes, images, labelSet, meanClassesPerImage } = statistics;
  const [width, rowHeight, top] = [960, 26, 96];
  const height = top + classes.length * rowHeight + 24;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const grids = [
    { left: 110, width: 350, top, height: classes.length * rowHeight },
    { left: 540, width: 340, top, height: classes.length * rowHeight },
  ];
  const shares = [classes.map((entry) => entry.share), classes.map((entry) => entry.images / images)];
  const subtitle = { fontSize: 13, fontWeight: 'normal' as const, color: '#444' };
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      {
        text: `Classes of ${labelSet}: ${images} masks, ${meanClassesPerImage.toFixed(1)} classes per image`,
        left: 16,
        top: 12,
        textStyle: { fontSize: 16, color: '#222' },
      },
      { text: 'share of all pixels', left: grids[0].left, top: 68, padding: 0, textStyle: subtitle },
      { text: 'share of images with the class', left: grids[1].left, top: 68, padding: 0, textStyle: subtitle },
    ],
    grid: grids,
    xAxis: shares.map((values, index) => ({
      type: 'value' as const,
      gridIndex: index,
      min: 0,
      // Space to the right of the longest bar for its number.
      max: index === 0 ? Math.max(...values) * 1.15 : 1,
      show: false,
    })),
    yAxis: shares.map((_, index) => ({
      type: 'category' as const,
      gridIndex: index,
      inverse: true,
      data: classes.map((entry) => entry.name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: '#999' } },
      axisLabel: { show: index === 0, interval: 0, fontSize: 13, color: '#222' },
    })),
    series: shares.map((values, index) => ({
      type: 'bar' as const,
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: 16,
      data: values.map((value, id) => ({
        value,
        // The thin border keeps pale classes visible on white.
        itemStyle: { color: `rgb(${classes[id].color.join(',')})`, borderColor: '#777', borderWidth: 0.5 },
      })),
      label: {
        show: true,
        position: 'right' as const,
        fontSize: 12,
        color: '#222',
        formatter: ({ value }: { value?: unknown }) => formatPercent(Number(value)),
      },
    })),
  });
  return toSvg(chart);
}
