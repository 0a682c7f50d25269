import { QueryClientProvider } from '@tanstack/react-query';
import { TooltipProvider } from '@/components/ui';
import { queryClient } from '@/lib/query-client';
import { ErrorBoundary } from './error-boundary';
import { Routes } from './routes';

/** The whole interface: providers around the routes. */
export function App() {
  return (
    <ErrorBoundary>
      <QueryClientProvider client={queryClient}>
        <TooltipProvider>
          <Routes />
        </TooltipProvider>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
