import { Suspense } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useSignedIn } from "../app-context.tsx";
import { Boundary } from "../ui/boundary.tsx";
import { Forbidden, Missing } from "../ui/failure.tsx";
import { Skeleton } from "../ui/parts.tsx";
import { type Screen, screenList } from "./screen-list.ts";

/** The screen that the address names. */
export function Screens() {
  const [location] = useLocation();
  return (
    <Boundary of={location}>
      <Suspense fallback={<Skeleton lines={6} />}>
        <Switch>
          {screenList.map((screen) => (
            <Route key={screen.path} path={screen.path}>
              <Allowed screen={screen} />
            </Route>
          ))}
          <Route>
            <Missing />
          </Route>
        </Switch>
      </Suspense>
    </Boundary>
  );
}

function Allowed({ screen: { may, component: Shown } }: { screen: Screen }) {
  const { rights } = useSignedIn();
  return may(rights) ? <Shown /> : <Forbidden />;
}
