/** Figures, drawings and displays for notebooks and reports. */
export * from './ablation';
export * from './ablation-figures';
export * from './augmented';
export * from './cells';
export * from './charts';
export * from './check';
export * from './collapse';
export * from './curves';
export * from './data';
export * from './difference';
export * from './display';
export * from './figure';
export * from './film';
export * from './html';
export * from './interrupt';
export * from './learning';
export * from './loops';
export * from './mistakes';
export * from './network-svg';
export * from './niivue';
export { classColor, operationColor } from './palette';
export { toPlotly } from './plotly';
export type { PlotlyFigure } from './plotly-parts';

import './printing';

export * from './paper-table';
export { readable } from './readable';
export * from './records';
export * from './runs';
export * from './serve';
export * from './sizes';
export * from './slices';
export { toSvg } from './svg';
export * from './tau-figures';
export { toText } from './text';
export { type Change, tornadoFigure } from './tornado';
export * from './windows';
