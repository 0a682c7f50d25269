import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/app';
import { startTheme } from '@/components/theme';
import { startClient } from '@/lib/client';
import '@/styles/index.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

startTheme();
startClient();

createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
