/** The whole interface: providers around the routes. */
export function App() {
  return <main className="p-6 text-title font-semibold">ChatApp</main>;
}
