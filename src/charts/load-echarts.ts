import { requirePackages } from '../packages/optional-packages.ts';

/**
 * Loads echarts with the components used here. It is optional and large, so it is loaded for the first chart only.
 *
 * @throws FaceparseError (exit code 1) if it is not installed
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
