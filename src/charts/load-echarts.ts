import { requirePackages } from '../packages/optional-packages.ts';

/**
 * echarts with the parts that the charts here are drawn with; it is loaded when the first is drawn, being optional and large.
 *
 * @throws FaceparseError (exit code 1) where it is not installed
 */
export async function loadEcharts() {
  requirePackages('drawing a chart', ['echarts']);
  const [echarts, { BarChart, LineChart }, components, { SVGRenderer }] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  const { GridComponent, LegendComponent, MarkPointComponent, TitleComponent } = components;
  echarts.use([BarChart, LineChart, GridComponent, LegendComponent, MarkPointComponent, TitleComponent, SVGRenderer]);
  return echarts;
}
