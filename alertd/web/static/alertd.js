// Pages work without this: it folds the navigation on a telephone and moves the focus to errors.
import { initAll } from './govuk/govuk-frontend.min.js'

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()
