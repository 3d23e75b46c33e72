/** The stepped machine of any configuration as one module: what the build bundles into `stepped-machine.js`. */
export { WholeMachine } from './whole-machine.ts';
export * as scene from './whole-scene.ts';
