import { requirePackages } from '../packages/optional-packages.ts';

/**
 * Loads echarts with the components used here. It is optional and large, so it is loaded for the first chart only.
 *
 * @throws FaceparseError (exit code 1) if it is not installed
 */
export async function loadEcharts() {
  requirePackages('drawing a chart', ['echarts']);
  const [echarts, { BarChart, LineChart, ParallelChart, ScatterChart }, components, { SVGRenderer }] =
    await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
    ]);
  const { GridComponent, LegendComponent, MarkPointComponent, ParallelComponent, TitleComponent } = components;
  echarts.use([BarChart, LineChart, ParallelChart, ScatterChart, SVGRenderer]);
  echarts.use([GridComponent, LegendComponent, MarkPointComponent, ParallelComponent, TitleComponent]);
  return echarts;
}

/** The part of a chart that is used here. */
interface DrawnChart {
  renderToSVGString(): string;
  dispose(): void;
}

/** A chart as SVG; the chart is disposed. The same data give the same bytes. */
export function toSvg(chart: DrawnChart): string {
  const svg = chart.renderToSVGString();
  chart.dispose();
  return (
    svg
      // Hover styles are useless in a file, and their ids and those of the charts keep counting within a process.
      .replace(/<style >[\s\S]*?<\/style>\n?/g, '')
      .replace(/ class="zr\d+-cls-\d+"/g, '')
      .replace(/ ecmeta_\w+="[^"]*"/g, '')
      .replace(/zr\d+-/g, 'zr0-')
      // rsvg and some viewers ignore dominant-baseline and would place the labels a third of a line too high.
      .replaceAll('dominant-baseline="central"', 'dy="0.35em"')
  );
}
