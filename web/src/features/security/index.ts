export { ActivityPanel } from './activity-panel';
export { DevicesPanel } from './devices-panel';
export { SecurityPanel } from './security-panel';
export { TwoStepPanel } from './two-step-panel';
