import { notifyManager, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { HouseProvider } from "./app-context.tsx";
import { createQueryClient, gatewayAnswers } from "./data/client.ts";
import { createConnection } from "./data/connection.ts";
import { createPreferences } from "./session/preferences.ts";
import { createSession } from "./session/session.ts";
import { Boundary } from "./ui/boundary.tsx";
import "./style/index.css";

const place = document.getElementById("root");
if (place === null) throw new TypeError("the page has no place for the console");

// By default a form hears that it is being sent with a later task: a second click, or a second Enter, would send it again before.
notifyManager.setScheduler(queueMicrotask);

const session = createSession(sessionStorage);
const queryClient = createQueryClient(session.close);
const house = {
  session,
  preferences: createPreferences(localStorage, navigator.languages),
  connection: createConnection(gatewayAnswers, () => void queryClient.invalidateQueries()),
  queryClient,
};

createRoot(place).render(
  <StrictMode>
    <HouseProvider house={house}>
      <QueryClientProvider client={queryClient}>
        <Boundary>
          <App />
        </Boundary>
      </QueryClientProvider>
    </HouseProvider>
  </StrictMode>,
);
